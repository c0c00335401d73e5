// Lines against iterations, as inline SVG with a legend in HTML below it.
const CHART = { width: 400, height: 190, left: 46, right: 12, top: 10, bottom: 34 };
const DASHES = ["", "6 3", "2 3"];

// series: [{name, values}], one value (or null) for each of `x`; `text` writes a value at the axis.
function lineChart(title, x, series, { low, high, text }) {
  const { width, height, left, right, top, bottom } = CHART;
  const span = Math.max(...x) - Math.min(...x) || 1;
  const across = (value) => left + ((value - Math.min(...x)) / span) * (width - left - right);
  const up = (value) => height - bottom - ((value - low) / (high - low || 1)) * (height - top - bottom);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  for (const tick of ticks(low, high, 4)) {
    svg.append(
      drawn("line", { x1: left, x2: width - right, y1: up(tick), y2: up(tick), class: "grid" }),
      drawn("text", { x: left - 6, y: up(tick) + 4, "text-anchor": "end" }, text(tick)),
    );
  }
  for (const tick of ticks(Math.min(...x), Math.max(...x), 6).filter(Number.isInteger)) {
    svg.append(drawn("text", { x: across(tick), y: height - bottom + 16, "text-anchor": "middle" }, whole(tick)));
  }
  svg.append(drawn("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, "iteration"));
  series.forEach(({ values }, number) => {
    const points = x.map((at, i) => [at, values[i]]).filter(([, value]) => value !== null);
    const path = points.map(([at, value], i) => `${i ? "L" : "M"}${across(at).toFixed(1)} ${up(value).toFixed(1)}`);
    const line = { d: path.join(""), class: `line series-${number}`, "stroke-dasharray": DASHES[number] };
    svg.append(drawn("path", line));
    const dots = points.length > 30 ? [] : points;
    for (const [at, value] of dots) {
      svg.append(drawn("circle", { cx: across(at), cy: up(value), r: 2.5, class: `dot series-${number}` }));
    }
  });
  const names = series.map(({ name, values }, number) => {
    const last = values.filter((value) => value !== null).at(-1);
    const key = drawn("svg", { viewBox: "0 0 26 8", class: "key-line", "aria-hidden": "true" },
      drawn("path", { d: "M0 4H26", class: `line series-${number}`, "stroke-dasharray": DASHES[number] }));
    return element("li", {}, key, `${name} (last: ${text(last)})`);
  });
  return element("figure", { class: "chart" },
    element("figcaption", {}, title), svg, element("ul", { class: "legend" }, names));
}

function ticks(low, high, about) {
  const rough = (high - low || 1) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= rough);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) {
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}

// What a run's history has: accuracies, or where classes are unknown the agreement; pseudo-labels; else the loss.
function historyCharts(history) {
  if (!history) return [];
  const x = history.iteration;
  const known = (names) => Object.entries(names)
    .filter(([column]) => history[column])
    .map(([column, name]) => ({ name, values: history[column] }));
  const all = (series) => series.flatMap(({ values }) => values).filter((value) => value !== null);
  const charts = [];
  const shares = known({ acc: "clustering", pseudo_label_acc: "pseudo-labels", model_acc_mean: "single models, mean" });
  const agreement = known({ agreement: "agreement of the models" });
  for (const [title, series] of [["Accuracy", shares], ["Agreement", agreement]]) {
    if (series.length) {
      const low = Math.max(0, Math.floor(Math.min(...all(series)) * 10 - 0.5) / 10);
      charts.push(lineChart(title, x, series, { low, high: 1, text: (value) => `${Number((100 * value).toFixed(1))} %` }));
    }
  }
  const counts = known({ n_pseudo_labels: "pseudo-labelled points" });
  if (counts.length && Math.max(...all(counts)) > 0) {
    charts.push(lineChart("Pseudo-labels", x, counts, { low: 0, high: Math.max(...all(counts)), text: whole }));
  }
  const loss = known({ loss: "loss" });
  if (loss.length) {
    const text = (value) => String(Number(value.toPrecision(3)));
    charts.push(lineChart("Loss", x, loss, { low: Math.min(...all(loss)), high: Math.max(...all(loss)), text }));
  }
  return charts;
}
