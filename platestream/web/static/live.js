// Live alert hits on every page of an officer on shift: the list, sound, badge and notifications.
// One tab holds the connection and makes the sound (a web lock); it passes hits on to the others.
"use strict";
(() => {
  const root = document.getElementById("live");
  const SILENT_MS = 40_000; // two heartbeats and a half without a sign of the console
  const LONGEST_WAIT_MS = 15_000;
  const KEY = "platestream-live";
  const SOUND = "platestream-sound";
  const own = { shift: root.dataset.shift, last: Number(root.dataset.after), contact: Date.now(), newest: 0, unseen: [] };
  const channel = new BroadcastChannel(KEY);
  const list = document.getElementById("hits") ?? document.getElementById("arrived");
  const title = document.title;
  const part = (name) => root.querySelector(`[data-when="${name}"]`);
  const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });

  // State that the tabs of this device share. It holds numbers and ids of hits, and no plate.
  const read = () => {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      if (found && found.shift === own.shift) return found;
    } catch { /* not ours: begin again */ }
    return { ...own };
  };
  const write = (change) => {
    const state = { ...read(), ...change };
    localStorage.setItem(KEY, JSON.stringify(state));
    return state;
  };

  // Sound: each priority has its own pattern of [hertz, seconds]. The urgent ones repeat until somebody has seen the hit.
  const PATTERNS = {
    1: { notes: [[988, 0.16], [740, 0.16], [988, 0.16], [740, 0.16], [988, 0.16], [740, 0.16]], gain: 0.6, again: 6_000 },
    2: { notes: [[880, 0.14], [0, 0.08], [880, 0.14], [0, 0.08], [880, 0.14]], gain: 0.5, again: 15_000 },
    3: { notes: [[660, 0.14], [0, 0.08], [660, 0.14]], gain: 0.4 },
    4: { notes: [[520, 0.18]], gain: 0.3 },
    5: { notes: [[440, 0.18]], gain: 0.25 },
    lost: { notes: [[330, 0.3], [247, 0.4]], gain: 0.4 },
  };
  const AGAIN_FOR_MS = 180_000;
  let sounding = { until: 0, priority: 9 };
  const button = document.querySelector("[data-sound]");
  let audio = null;
  let repeat = null;
  const wanted = () => localStorage.getItem(SOUND) === "on";
  const audible = () => wanted() && audio !== null && audio.state === "running";
  const play = (name) => {
    if (!audible()) return;
    const { notes, gain } = PATTERNS[name];
    const volume = audio.createGain();
    volume.connect(audio.destination);
    let at = audio.currentTime + 0.02;
    for (const [hertz, seconds] of notes) {
      if (hertz) {
        const tone = audio.createOscillator();
        tone.type = "square";
        tone.frequency.value = hertz;
        tone.connect(volume);
        volume.gain.setValueAtTime(0.0001, at);
        volume.gain.exponentialRampToValueAtTime(gain, at + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
        tone.start(at);
        tone.stop(at + seconds);
      }
      at += seconds;
    }
  };
  const alarm = (priority) => {
    // Many hits at once, after a time without connection, sound as the most urgent of them.
    if (!audible() || Date.now() < sounding.until && priority >= sounding.priority) return;
    sounding = { until: Date.now() + 2_000, priority };
    play(priority);
    clearInterval(repeat);
    const began = Date.now();
    const { again } = PATTERNS[priority];
    if (again) {
      repeat = setInterval(() => {
        if (!read().unseen.length || Date.now() - began > AGAIN_FOR_MS) clearInterval(repeat);
        else play(priority);
      }, again);
    }
  };
  const showSound = () => {
    button.hidden = false;
    button.textContent = wanted() ? "Sound is on" : "Turn on sound";
    button.setAttribute("aria-pressed", String(wanted()));
    button.classList.toggle("main", !wanted());
    part("silent").hidden = !wanted() || audible();
  };
  // Without a gesture on this page a browser may leave the audio suspended.
  const open = async () => {
    audio ??= new AudioContext();
    if (audio.state !== "running") await Promise.race([audio.resume(), new Promise((done) => setTimeout(done, 300))]);
    showSound();
  };
  const turnOn = async () => {
    localStorage.setItem(SOUND, "on");
    await open();
    play(4);
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  };
  button.addEventListener("click", () => {
    if (wanted() && audible()) {
      localStorage.setItem(SOUND, "off");
      clearInterval(repeat);
      showSound();
    } else turnOn();
  });
  part("silent").querySelector("[data-resume]").addEventListener("click", turnOn);
  for (const gesture of ["pointerdown", "keydown"]) {
    document.addEventListener(gesture, () => { if (wanted() && !audible()) open(); });
  }
  if (wanted()) open();
  else showSound();

  // Badge, title and the button that silences.
  const showUnseen = () => {
    const count = read().unseen.length;
    document.title = `${lost ? "Blind – " : ""}${count ? `(${count}) ` : ""}${title}`;
    part("unseen").hidden = !count;
    if ("setAppBadge" in navigator) (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
  };
  const seen = (hits) => {
    const left = hits ? read().unseen.filter((one) => !hits.includes(one)) : [];
    write({ unseen: left });
    if (!left.length) clearInterval(repeat);
    showUnseen();
    channel.postMessage({ seen: true });
  };
  part("unseen").querySelector("[data-seen]").addEventListener("click", () => seen());

  const notify = async (hit) => {
    if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
    const options = {
      body: hit.text, tag: hit.hit, data: `/hits/${hit.hit}`, icon: `/static/icon-192.png?${document.documentElement.dataset.version}`,
      requireInteraction: hit.priority <= 2, silent: wanted(),
    };
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker?.active) await worker.showNotification(hit.title, options);
    else new Notification(hit.title, options).onclick = () => { location.href = options.data; };
  };

  // A new hit, in this tab; the one with the connection sounds.
  const show = (hit) => {
    if (location.pathname === `/hits/${hit.hit}`) return;
    document.getElementById(`hit-${hit.hit}`)?.remove(); // it came while the page was made
    list.insertAdjacentHTML("afterbegin", hit.line);
    document.querySelector("[data-empty]")?.setAttribute("hidden", "");
    if (list.id === "arrived") while (list.children.length > 3) list.lastElementChild.remove();
    showUnseen();
  };
  const raise = (hit) => {
    alarm(hit.priority);
    notify(hit);
  };
  // A hit of a colleague's car sounds there first, and here if nobody has seen it then, on whichever page that is.
  const wait = (one) => setTimeout(() => {
    const state = read();
    write({ later: (state.later ?? []).filter(({ hit }) => hit !== one.hit) });
    if (state.unseen.includes(one.hit)) raise({ ...one, title: `Priority ${one.priority} alert hit`, text: "" });
  }, one.due - Date.now());
  const recent = [];
  const receive = (hit) => {
    const state = read();
    // Consoles number hits alike and may send them in another order, and the last ones again.
    if (state.got?.includes(hit.hit)) return;
    const open = location.pathname === `/hits/${hit.hit}`;
    write({ last: Math.max(state.last, hit.number), got: [...(state.got ?? []).slice(-998), hit.hit], newest: Math.max(state.newest, hit.at), unseen: open || hit.quiet ? state.unseen : [...state.unseen.slice(-98), hit.hit] });
    recent.push(hit);
    if (recent.length > 50) recent.shift();
    channel.postMessage({ hit });
    show(hit);
    // A pair that an officer found wrong is shown, and disturbs nobody.
    if (!hit.quiet && hit.wait) {
      const one = { hit: hit.hit, priority: hit.priority, due: Date.now() + hit.wait * 1000 };
      write({ later: [...(state.later ?? []).slice(-98), one] });
      wait(one);
    } else if (!hit.quiet) raise(hit);
    if (blind) missed(1);
  };

  // Connection. `blind` is the time during which no hit could arrive, until somebody has dismissed it.
  let lost = 0;
  let blind = null;
  let source = null;
  let attempt = 0;
  let first = true; // contact of this page
  let timer = null;
  const state = (name) => {
    for (const one of ["lost", "gap", "ended"]) part(one).hidden = one !== name;
    document.body.dataset.live = name;
  };
  const missed = (more) => {
    blind.hits += more;
    const { from, to, hits } = blind;
    const minutes = Math.round((to - from) / 60_000);
    const lasted = minutes ? `${minutes} minute${minutes > 1 ? "s" : ""}` : `${Math.round((to - from) / 1000)} seconds`;
    const came = hits
      ? `${hits} hit${hits > 1 ? "s" : ""} came in this time, marked in the list.`
      : list.id === "hits" ? "No hit came in this time." : "";
    root.querySelector("[data-missed]").textContent = `This device was blind from ${clock(from)} to ${clock(to)} (${lasted}). ${came}`;
    part("missed").hidden = false;
  };
  root.querySelector("[data-dismiss]").addEventListener("click", () => {
    blind = null;
    part("missed").hidden = true;
  });
  const fail = (name) => {
    if (!lost) lost = read().contact;
    part(name).querySelector("time").textContent = clock(lost);
    if (name === "gap") write({ gap: true });
    if (document.body.dataset.live !== name) {
      state(name);
      play("lost");
    }
    showUnseen();
    channel.postMessage({ state: name, lost });
  };
  const end = () => {
    source?.close();
    clearTimeout(timer);
    state("ended");
    channel.postMessage({ state: "ended" });
  };
  const contact = () => {
    const before = lost || read().contact;
    const now = Date.now();
    attempt = 0;
    if (document.body.dataset.live === "gap" && list.id === "hits") {
      document.body.dataset.live = "reload";
      return location.reload(); // only the list knows what came
    }
    const { newest } = read();
    const listed = [...document.querySelectorAll("#hits > .hit")];
    write({ newest: Math.max(newest, ...listed.map((one) => Number(one.dataset.at))) });
    const missing = now - before > SILENT_MS || read().gap;
    write({ contact: now, gap: false });
    if (missing) {
      blind = { from: before, to: now, hits: 0 };
      const late = first ? listed.filter((one) => Number(one.dataset.at) > newest) : []; // later ones come as events
      for (const one of late) one.classList.add("fresh");
      missed(late.length);
      if (late.length) play(Math.min(...late.map((one) => Number(one.dataset.priority))));
    }
    first = false;
    lost = 0;
    state("on");
    showUnseen();
    channel.postMessage({ state: "on" });
  };
  // The answer to a heartbeat shows that this device is there.
  const here = async () => {
    const answer = await fetch(`/hits/here?sound=${audible() ? "on" : "off"}`, { method: "POST" }).catch(() => null);
    if (answer?.status === 401) end();
    return answer;
  };
  const connect = () => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(`/hits/live?after=${read().last}${read().got ? "&again" : ""}`);
    source.addEventListener("here", () => { contact(); here(); });
    source.addEventListener("hit", (event) => receive(JSON.parse(event.data)));
    source.addEventListener("gap", () => fail("gap"));
    source.addEventListener("ended", end);
    source.onerror = async () => {
      source.close();
      const answer = await here();
      if (answer?.status === 401) return;
      if (document.body.dataset.live !== "gap") fail("lost");
      attempt += 1;
      timer = setTimeout(connect, Math.min(1000 * 2 ** (attempt - 1), LONGEST_WAIT_MS) * (0.7 + 0.6 * Math.random()));
    };
  };
  const lead = () => new Promise(() => { // the lock is held as long as this page
    (write({}).later ?? []).forEach(wait);
    connect();
    const again = () => { if (document.body.dataset.live === "lost") connect(); };
    addEventListener("online", again);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
    setInterval(() => {
      if (document.body.dataset.live === "on" && Date.now() - read().contact > SILENT_MS) {
        fail("lost");
        connect();
      }
    }, 5_000);
    channel.addEventListener("message", ({ data }) => {
      if (data.hello !== undefined) for (const hit of recent) if (hit.number > data.hello) channel.postMessage({ hit });
    });
  });
  channel.addEventListener("message", ({ data }) => {
    if (data.hit) show(data.hit);
    if (data.seen) showUnseen();
    if (data.state && source === null) {
      state(data.state);
      lost = data.lost ?? 0;
      if (lost) part(data.state).querySelector("time").textContent = clock(lost);
      showUnseen();
    }
  });
  channel.postMessage({ hello: own.last });
  const opened = /^\/hits\/([0-9a-f-]{36})$/.exec(location.pathname);
  if (opened) seen([opened[1]]);
  else showUnseen();
  navigator.locks.request(KEY, lead);
})();
