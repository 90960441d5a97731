// Drawing of the region and the masks of a camera on its picture, by mouse, touch and keyboard.
// The fields below the picture hold what is drawn, in percent of the picture, and may be typed as well.
const SVG = "http://www.w3.org/2000/svg";
const LEAST = 1; // percent; a smaller box is a click
const NEAR = 2.5; // percent; a click this close to the first corner closes the polygon
const STEP = 1;
const WIDE_STEP = 10; // percent, with Shift
const SIDES = ["left", "top", "right", "bottom"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const clamp = (value) => Math.min(100, Math.max(0, Math.round(value * 10) / 10));
const numbers = (text) => text.replace(/,/g, " ").split(/\s+/).filter(Boolean).map(Number);
const usable = (shape) => (shape.length === 4 || shape.length >= 6) && shape.length % 2 === 0 && shape.every(Number.isFinite);

function corners(shape) {
  if (shape.length === 4) {
    const [left, top, right, bottom] = shape;
    return [[left, top], [right, top], [right, bottom], [left, bottom]];
  }
  return shape.filter((_, index) => index % 2 === 0).map((x, index) => [x, shape[2 * index + 1]]);
}

function box([x1, y1], [x2, y2]) {
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

function outline(points) {
  return `M${points.map((one) => one.join(" ")).join("L")}`;
}

function attach(section) {
  const form = section.closest("form");
  const svg = section.querySelector("svg");
  const tool = section.querySelector("select");
  const said = section.querySelector("output");
  const field = (name) => form.elements.namedItem(name);
  let open = []; // corners that are set and not closed yet
  let cursor = [50, 50];
  let drag = null;

  const path = (kind, d) => {
    const made = svg.appendChild(document.createElementNS(SVG, "path"));
    made.setAttribute("class", kind);
    made.setAttribute("d", d);
  };
  const region = () => {
    const area = numbers(field("area").value);
    if (usable(area)) return area;
    const sides = SIDES.map((side) => field(side).value);
    return sides.every((side) => side !== "") ? sides.map(Number) : null;
  };
  const masks = () => field("mask").value.split("\n").map(numbers).filter(usable);
  const show = () => {
    svg.replaceChildren();
    const shown = region();
    if (shown) path("outside", `M0 0H100V100H0Z${outline(corners(shown))}Z`);
    if (shown) path("region", `${outline(corners(shown))}Z`);
    for (const one of masks()) path("mask", `${outline(corners(one))}Z`);
    const boxed = tool.value.endsWith("box");
    if (open.length && boxed) path("open", `${outline(corners(box(open[0], cursor)))}Z`);
    if (open.length && !boxed) path("open", outline([...open, cursor]));
    for (const one of open) path("corner", `M${one.join(" ")}h0`);
    if (document.activeElement === svg) path("cursor", `M${cursor[0]} 0V100M0 ${cursor[1]}H100`);
  };
  const write = (name, value) => { field(name).value = value; };
  const finish = (shape, words) => {
    open = [];
    drag = null;
    if (tool.value.startsWith("mask")) {
      const before = field("mask").value.trimEnd();
      write("mask", `${before}${before ? "\n" : ""}${shape.join(" ")}`);
      said.textContent = `Mask ${masks().length} is set: ${words}.`;
    } else {
      const xs = shape.filter((_, index) => index % 2 === 0);
      const ys = shape.filter((_, index) => index % 2 === 1);
      const around = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
      SIDES.forEach((side, index) => write(side, around[index]));
      write("area", shape.length > 4 ? shape.join(" ") : "");
      said.textContent = `The region is set: ${words}.`;
    }
    show();
  };
  const finishBox = (last) => {
    const [left, top, right, bottom] = box(open[0], last);
    if (right - left < LEAST || bottom - top < LEAST) return;
    finish([left, top, right, bottom], `left ${left}, top ${top}, right ${right}, bottom ${bottom} percent`);
  };
  const close = () => {
    if (open.length < 3) {
      said.textContent = "A shape has at least three corners.";
      return;
    }
    finish(open.flat(), `${open.length} corners`);
  };
  const set = (place) => {
    if (tool.value.endsWith("box")) {
      if (open.length) return finishBox(place);
      open = [place];
    } else {
      const [first] = open;
      if (open.length > 2 && Math.hypot(first[0] - place[0], first[1] - place[1]) < NEAR) return close();
      open.push(place);
    }
    said.textContent = `Corner ${open.length}: ${place[0]} from the left, ${place[1]} from the top, in percent.`;
    show();
  };
  const place = (event) => {
    const around = svg.getBoundingClientRect();
    return [
      clamp((event.clientX - around.left) / around.width * 100),
      clamp((event.clientY - around.top) / around.height * 100),
    ];
  };

  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    svg.focus();
    svg.setPointerCapture(event.pointerId);
    cursor = place(event);
    drag = open.length ? null : cursor;
    set(cursor);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!open.length) return;
    cursor = place(event);
    show();
  });
  svg.addEventListener("pointerup", (event) => {
    if (drag && open.length && tool.value.endsWith("box")) finishBox(place(event));
    drag = null;
  });
  svg.addEventListener("pointercancel", () => { open = []; drag = null; show(); });
  svg.addEventListener("dblclick", () => {
    if (tool.value.endsWith("corners") && open.length > 3) {
      open.pop(); // the second click of the double click
      close();
    }
  });
  svg.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    const step = event.shiftKey ? WIDE_STEP : STEP;
    if (way) {
      cursor = [clamp(cursor[0] + way[0] * step), clamp(cursor[1] + way[1] * step)];
      said.textContent = `${cursor[0]} from the left, ${cursor[1]} from the top, in percent.`;
    } else if (event.key === " ") set(cursor);
    else if (event.key === "Enter" && tool.value.endsWith("box")) set(cursor);
    else if (event.key === "Enter") close();
    else if (event.key === "Escape" && open.length) open = [];
    else if (event.key === "Backspace") open.pop();
    else return;
    event.preventDefault();
    event.stopPropagation();
    show();
  });
  svg.addEventListener("focus", show);
  svg.addEventListener("blur", show);
  tool.addEventListener("change", () => { open = []; show(); });
  section.querySelector("[value=undo]").addEventListener("click", () => {
    write("mask", field("mask").value.trimEnd().split("\n").slice(0, -1).join("\n"));
    said.textContent = `${masks().length} masks are left.`;
    show();
  });
  section.querySelector("[value=whole]").addEventListener("click", () => {
    for (const name of [...SIDES, "area"]) write(name, "");
    said.textContent = "The whole picture is read.";
    show();
  });
  for (const name of [...SIDES, "area", "mask"]) field(name).addEventListener("input", show);
  section.removeAttribute("hidden");
  show();
}

for (const section of document.querySelectorAll("[data-region]")) attach(section);
