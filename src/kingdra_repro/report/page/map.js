// The points in two dimensions, on a canvas: thousands are drawn in a moment, and again only when something changes.
const MAP = { margin: 10, near: 18, picture: 72 };
// Twelve that are told apart on light and on dark; of more clusters the hue goes round.
const COLOURS = ["#1e88c7", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c6d1f", "#7a5cc9", "#5fae2b", "#a83240", "#3fb8af", "#888f99"];

const colourOf = (number, of) =>
  of <= COLOURS.length ? COLOURS[number] : `hsl(${(number * 137.508) % 360} ${55 + 15 * (number % 3)}% ${46 + 8 * (number % 2)}%)`;
const shadeOf = (share) => `color-mix(in oklab, #1e88c7 ${(100 * share).toFixed(0)}%, #e69f00)`;

// What points can be coloured by: the group of each, and its name and colour. A cluster has the colour of its class.
function colourings(map, explorer) {
  const n = Math.max(map.k, map.classes ? map.classes.length : 0);
  const unmatched = Array.from({ length: n }, (_, i) => i).filter((i) => !explorer.clusters.some((one) => one.class === i));
  const groups = explorer.clusters.map((one, i) =>
    ({ name: clusterName(explorer, i), colour: colourOf(one.class ?? unmatched.shift() ?? i, n) }));
  const found = [{ name: "cluster", of: map.points.labels, groups }];
  if (map.classes) {
    const groups = map.classes.map((name, i) => ({ name, colour: colourOf(i, n) }));
    found.push({ name: "class", of: map.points.classes, groups });
  }
  if (map.points.agreeing) {
    const groups = Array.from({ length: map.n_models + 1 }, (_, i) =>
      ({ name: `${i} of ${map.n_models}`, colour: shadeOf(i / map.n_models) }));
    found.push({ name: "agreement of the models", of: map.points.agreeing, groups });
  }
  return found;
}

function showMap(map, explorer) {
  const ways = colourings(map, explorer);
  const canvas = element("canvas", { role: "img", tabindex: "0",
    "aria-label": `${map.title}, ${whole(map.x.length)} points. The arrow keys go from point to point.` });
  const tip = element("div", { class: "tip", "aria-live": "polite", hidden: "" });
  const frame = element("div", { class: "map" }, canvas, tip);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const legend = element("ul", { class: "legend map-legend" });
  const state = { way: ways[0], only: null, at: null, drawn: null, width: null };
  const spread = [Math.max(...map.x), Math.max(...map.y)];
  let places = [];

  // Where the points are, in pixels of the page; only where the size changes.
  function place() {
    const width = frame.clientWidth;
    const inner = width - 2 * MAP.margin;
    const height = Math.min(Math.max((inner * spread[1]) / (spread[0] || 1), 160), 560) + 2 * MAP.margin;
    const scale = Math.min(inner / (spread[0] || 1), (height - 2 * MAP.margin) / (spread[1] || 1));
    const left = (width - scale * spread[0]) / 2;
    const top = (height - scale * spread[1]) / 2;
    places = map.x.map((x, i) => [left + scale * x, top + scale * (spread[1] - map.y[i])]);
    const dense = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(width * dense), height: Math.round(height * dense) });
    canvas.style.height = `${height}px`;
    context.setTransform(dense, 0, 0, dense, 0, 0);
  }

  function draw() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    const radius = map.x.length > 3000 ? 1.8 : map.x.length > 600 ? 2.6 : 4;
    state.way.groups.forEach(({ colour }, group) => {
      context.globalAlpha = state.only === null || state.only === group ? 0.85 : 0.08;
      context.fillStyle = colour;
      context.beginPath();
      places.forEach(([x, y], i) => {
        if (state.way.of[i] !== group) return;
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 2 * Math.PI);
      });
      context.fill();
    });
    context.globalAlpha = 1;
    state.drawn = context.getImageData(0, 0, canvas.width, canvas.height);
  }

  function point(i) {
    if (!state.drawn) return;
    state.at = i;
    context.putImageData(state.drawn, 0, 0);
    tip.hidden = i === null;
    if (i === null) return;
    const [x, y] = places[i];
    context.lineWidth = 2;
    context.strokeStyle = getComputedStyle(canvas).color;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.stroke();
    tip.replaceChildren(...described(map, i));
    const room = frame.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
    tip.style.top = `${y + 14}px`;
  }

  function nearest(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, least] = [null, MAP.near ** 2];
    places.forEach(([px, py], i) => {
      const distance = (px - x) ** 2 + (py - y) ** 2;
      const hidden = state.only !== null && state.way.of[i] !== state.only;
      if (distance < least && !hidden) [best, least] = [i, distance];
    });
    return best;
  }

  function list() {
    const counts = new Array(state.way.groups.length).fill(0);
    state.way.of.forEach((group) => { counts[group] += 1; });
    legend.replaceChildren(...state.way.groups.map(({ name, colour }, group) => {
      const key = element("span", { class: "key-dot", style: `--colour: ${colour}` });
      const label = [key, `${name} `, element("span", { class: "muted" }, whole(counts[group]))];
      const made = button(label, () => {
        state.only = state.only === group ? null : group;
        legend.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one === made && state.only !== null)));
        draw();
        point(null);
      }, { "aria-pressed": "false", class: "key-button" });
      return element("li", { hidden: counts[group] ? null : "" }, made);
    }));
  }

  const choose = (number) => {
    Object.assign(state, { way: ways[number], only: null });
    list();
    draw();
    point(null);
  };
  let waiting = null; // one look for the point at a time, however fast the pointer is
  canvas.addEventListener("pointermove", (event) => {
    if (waiting) cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      const i = nearest(event);
      if (i !== state.at) point(i);
    });
  });
  canvas.addEventListener("pointerdown", (event) => point(nearest(event)));
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") point(null); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const n = map.x.length;
    point(state.at === null ? 0 : (state.at + step + n) % n);
  });
  const select = element("select", {}, ways.map(({ name }, i) => element("option", { value: i }, name)));
  select.addEventListener("change", () => choose(Number(select.value)));
  new ResizeObserver(() => {
    if (state.width === frame.clientWidth) return;
    state.width = frame.clientWidth;
    place();
    draw();
    point(null);
  }).observe(frame);
  list();
  const sample = map.x.length < map.n ? `a random sample of ${whole(map.x.length)} of ${whole(map.n)} points` : `${whole(map.n)} points`;
  return element("div", {}, element("h4", {}, "Map"),
    element("p", { class: "muted" }, `${map.title}: ${sample}. Two dimensions show only a part of what tells points apart.`),
    element("label", { class: "choose-run" }, "Colours ", select),
    frame, legend);
}

// What is known of a point: its name, cluster, class, and values, words or picture.
function described(map, i) {
  const points = map.points;
  const facts = describe(map, points, i, `cluster ${points.labels[i]}`);
  const content = [element("b", {}, pointName(points, i)), element("div", {}, facts)];
  if (points.sprite) {
    const picture = tile(points.sprite, i, pointName(points, i), false);
    picture.style.setProperty("--sprite", `url("${points.sprite.uri}")`);
    picture.style.width = `${MAP.picture}px`;
    content.push(picture);
  }
  if (points.words) content.push(element("div", {}, points.words[i].join(", ") || "none of the words"));
  if (points.values) content.push(valueList(map.columns, points.values[i]));
  return content;
}
