// Street map below search results: the passes up to a time, and straight lines from camera to camera.
// On the pages of cameras: the place of a camera, chosen on the map.
// The map is drawn once it comes into view; MapLibre GL, PMTiles and the map itself come from this machine.
const MAPLIBRE = "./maplibre-6.17.0/maplibre-gl.mjs";
const MOST_VEHICLES = 20; // with more vehicles, lines between cameras say nothing
const PADDING = 60; // pixels

/* Layers of the three usual schemas (Protomaps, OpenMapTiles, Shortbread) and of GeoJSON, by what they show. */
const GROUPS = [
  ["land", /^(earth|land|landcover|landuse|park|sites)$/],
  ["water", /^(water|ocean|waterway|water_polygons|water_lines)$/],
  ["building", /^buildings?$/],
  ["boundary", /^(boundaries|boundary)$/],
  ["road", /^(roads|transportation|streets)$/],
];
const NAMES = /^(roads|transportation_name|street_labels|streets|place|places|place_labels)$/;
const polygon = ["match", ["geometry-type"], ["Polygon", "MultiPolygon"], true, false];
const line = ["match", ["geometry-type"], ["LineString", "MultiLineString"], true, false];
const name = ["coalesce", ["get", "name"], ["get", "name:en"], ["get", "name:latin"], ""];

function colors() {
  // Of an element, as a property by itself is not resolved for the colors of this device.
  const probe = document.body.appendChild(document.createElement("span"));
  const read = (key) => {
    probe.style.color = `var(${key})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    ground: read("--map-ground"), land: read("--map-land"), water: read("--map-water"), road: read("--map-road"),
    building: read("--map-building"), boundary: read("--soft"), text: read("--text"), halo: read("--ground"),
    mark: read("--mark"), way: read("--link"),
  };
  probe.remove();
  return found;
}

function label(id, source, color, placement) {
  return {
    id, type: "symbol", ...source,
    layout: { "text-field": name, "text-size": 12, "symbol-placement": placement, "text-font": ["sans-serif"] },
    paint: { "text-color": color.text, "text-halo-color": color.halo, "text-halo-width": 1.5 },
  };
}

function area(id, source, filter, color) {
  return { id, type: "fill", ...source, filter, paint: { "fill-color": color } };
}

function way(id, source, filter, color, widths) {
  return {
    id, type: "line", ...source, filter,
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": color, "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], ...widths] },
  };
}

function background(shown, color) {
  const layers = [{ id: "ground", type: "background", paint: { "background-color": color.ground } }];
  if (shown.kind === "geojson") {
    const source = { source: "streets" };
    const kind = (...kinds) => ["all", polygon, ["match", ["get", "kind"], kinds, true, false]];
    layers.push(area("land", source, kind("land", "park"), color.land));
    layers.push(area("water", source, kind("water"), color.water));
    layers.push(area("building", source, kind("building"), color.building));
    layers.push(way("road", source, line, color.road, [10, 1, 18, 14]));
    layers.push(label("name", source, color, "line"));
    return layers;
  }
  for (const [group, pattern] of GROUPS) {
    for (const id of shown.layers.filter((one) => pattern.test(one))) {
      const source = { source: "streets", "source-layer": id };
      if (group === "road") layers.push(way(id, source, line, color.road, [8, 0.5, 18, 14]));
      else if (group === "boundary") layers.push(way(id, source, line, color.boundary, [5, 0.5, 14, 1.5]));
      else {
        layers.push(area(id, source, polygon, color[group]));
        if (group === "water") layers.push(way(`${id}-line`, source, line, color.water, [8, 0.5, 16, 4]));
      }
    }
  }
  for (const id of shown.layers.filter((one) => NAMES.test(one))) {
    const placement = /^place/.test(id) ? "point" : "line";
    layers.push(label(`${id}-name`, { source: "streets", "source-layer": id }, color, placement));
  }
  return layers;
}

function point(longitude, latitude, properties) {
  return { type: "Feature", properties, geometry: { type: "Point", coordinates: [longitude, latitude] } };
}

/* Cameras with their numbers of passes, and each vehicle's lines, in the order of time. */
function drawn(passes) {
  const cameras = new Map();
  const vehicles = new Map();
  for (const pass of passes) {
    const at = [pass.longitude, pass.latitude];
    const known = cameras.get(pass.camera);
    cameras.set(pass.camera, { at, count: (known ? known.count : 0) + 1 });
    const before = vehicles.get(pass.vehicle) || [];
    const last = before[before.length - 1];
    if (!last || last[0] !== at[0] || last[1] !== at[1]) before.push(at);
    vehicles.set(pass.vehicle, before);
  }
  const points = [...cameras].map(([id, { at, count }]) => point(at[0], at[1], { text: `${id}: ${count}` }));
  const ways = vehicles.size > MOST_VEHICLES ? [] : [...vehicles.values()].filter((one) => one.length > 1);
  const lines = ways.map((coordinates) => ({
    type: "Feature", properties: {}, geometry: { type: "LineString", coordinates },
  }));
  return [points, lines].map((features) => ({ type: "FeatureCollection", features }));
}

/* A map in the section, with layers above its streets; null where this browser cannot draw it. */
async function open(section, shown, color, sources, layers, view) {
  const fail = () => { section.setAttribute("data-state", "failed"); };
  try {
    const library = await import(MAPLIBRE);
    const file = new URL("/search/streets", location.href).href;
    const streets = shown.kind === "pmtiles"
      ? { type: "vector", url: `pmtiles://${file}` }
      : { type: "geojson", data: file };
    if (shown.kind === "pmtiles") library.addProtocol("pmtiles", new window.pmtiles.Protocol().tile);
    const map = new library.Map({
      container: section.querySelector(".street-map"),
      style: { version: 8, sources: { streets, ...sources }, layers: [...background(shown, color), ...layers] },
      attributionControl: false, maxPitch: 0, dragRotate: false, cooperativeGestures: false, ...view,
    });
    map.once("idle", () => section.setAttribute("data-state", "drawn"));
    map.on("error", fail);
    return map;
  } catch {
    fail(); // the library is missing, or the browser has no WebGL
    return null;
  }
}

function dots(id, color, halo, radius) {
  return {
    id, type: "circle", source: id,
    paint: { "circle-color": color, "circle-radius": radius, "circle-stroke-color": halo, "circle-stroke-width": 2 },
  };
}

function names(source, color, size, halo) {
  return {
    id: `${source}-names`, type: "symbol", source,
    layout: {
      "text-field": ["get", "text"], "text-size": size, "text-offset": [0, 1.4], "text-anchor": "top",
      "text-font": ["sans-serif"], "text-allow-overlap": true,
    },
    paint: { "text-color": color.text, "text-halo-color": color.halo, "text-halo-width": halo },
  };
}

const collection = (features) => ({ type: "geojson", data: { type: "FeatureCollection", features } });

function bounding(places) {
  const [across, up] = [0, 1].map((axis) => places.map((one) => one[axis]));
  return [[Math.min(...across), Math.min(...up)], [Math.max(...across), Math.max(...up)]];
}

async function draw(section) {
  const shown = JSON.parse(section.querySelector("script").textContent);
  const slider = section.querySelector("input");
  const [points, lines] = drawn(shown.passes);
  const color = colors();
  const bounds = bounding(shown.passes.map((one) => [one.longitude, one.latitude]));
  const map = await open(section, shown, color, {
    cameras: { type: "geojson", data: points },
    ways: { type: "geojson", data: lines },
  }, [
    way("ways", { source: "ways" }, line, color.way, [5, 2, 18, 5]),
    dots("cameras", color.mark, color.halo, 8),
    names("cameras", color, 14, 2),
  ], { bounds, fitBoundsOptions: { padding: PADDING, maxZoom: 16 } });
  if (!map) return;
  const show = () => {
    const until = shown.passes.slice(0, Number(slider.value) + 1);
    const [now, between] = drawn(until);
    map.getSource("cameras").setData(now);
    map.getSource("ways").setData(between);
    const last = until[until.length - 1];
    section.querySelector("output").textContent =
      `${last.at.slice(0, 10)} ${last.at.slice(11, 19)}, ${last.camera}, ${last.plate} (${until.length} of ${shown.passes.length})`;
  };
  if (slider) map.once("load", () => {
    show();
    slider.addEventListener("input", show);
  });
  for (const button of section.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      if (button.value === "in") map.zoomIn();
      else if (button.value === "out") map.zoomOut();
      else map.fitBounds(bounds, { padding: PADDING, maxZoom: 16 });
    });
  }
}

/* The place of a camera: chosen on the map, or typed into the form's fields. */
async function choose(section) {
  const shown = JSON.parse(section.querySelector("script").textContent);
  const form = section.closest("form");
  const [north, east] = ["latitude", "longitude"].map((name) => form.elements.namedItem(name));
  const typed = () => {
    const at = [east.value, north.value];
    return at.every((one) => one !== "" && Number.isFinite(Number(one))) ? at.map(Number) : null;
  };
  const place = () => (typed() ? [point(...typed(), { text: "" })] : []);
  const color = colors();
  const ring = shown.boundary.length ? [...shown.boundary, shown.boundary[0]] : [];
  const [west, south, right, top] = shown.bounds;
  const begin = typed();
  const map = await open(section, shown, color, {
    boundary: collection([{ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: ring } }]),
    cameras: collection(shown.cameras.map((one) => point(one.longitude, one.latitude, { text: one.camera }))),
    place: collection(place()),
  }, [
    {
      id: "boundary", type: "line", source: "boundary",
      paint: { "line-color": color.boundary, "line-width": 2, "line-dasharray": [3, 2] },
    },
    dots("cameras", color.way, color.halo, 6),
    names("cameras", color, 12, 1.5),
    dots("place", color.mark, color.halo, 9),
  ], begin ? { center: begin, zoom: 15 } : {
    bounds: ring.length ? bounding(ring) : [[west, south], [right, top]], fitBoundsOptions: { padding: PADDING },
  });
  if (!map) return;
  const show = () => map.getSource("place").setData({ type: "FeatureCollection", features: place() });
  const set = (at) => {
    const { lng, lat } = at.wrap();
    north.value = lat.toFixed(6);
    east.value = lng.toFixed(6);
    show();
    east.dispatchEvent(new Event("change", { bubbles: true }));
  };
  map.on("click", (event) => set(event.lngLat));
  for (const field of [north, east]) field.addEventListener("input", show);
  for (const button of section.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      if (button.value === "in") map.zoomIn();
      else if (button.value === "out") map.zoomOut();
      else set(map.getCenter());
    });
  }
}

const watch = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      watch.unobserve(entry.target);
      (entry.target.matches("[data-place-map]") ? choose : draw)(entry.target);
    }
  }
}, { rootMargin: "200px" });
for (const section of document.querySelectorAll("[data-street-map], [data-place-map]")) watch.observe(section);
