// The final clusters of a run: members, classes, and where the models disagree.
const LARGEST_TABLE = 1600; // cells of the table of clusters and classes

function showExplorer(place, choices, runs) {
  const content = element("div", {});
  const choose = (number) => {
    const { folder, explorer, map } = choices[number];
    content.replaceChildren(...explorerOf(explorer, runs[folder], map));
  };
  place.querySelector("noscript")?.remove();
  if (choices.length > 1) {
    const options = choices.map((choice, i) => element("option", { value: i }, choiceName(choice, runs)));
    const select = element("select", {}, options);
    select.addEventListener("change", () => choose(Number(select.value)));
    place.append(element("label", { class: "choose-run" }, "Run ", select));
  }
  place.append(content);
  choose(0);
}

function choiceName({ name, folder }, runs) {
  const { ACC } = Object.fromEntries(runs[folder].facts);
  return ACC ? `${name} · ACC ${ACC}` : name;
}

function explorerOf(explorer, run, map) {
  const detail = element("div", { class: "detail", "aria-live": "polite" });
  const list = element("ul", { class: "clusters" });
  const largest = Math.max(...explorer.clusters.map(({ size }) => size), 1);
  const choose = (number) => {
    list.querySelectorAll("button").forEach((one, i) => one.setAttribute("aria-pressed", String(i === number)));
    detail.replaceChildren(...clusterDetail(explorer, number));
  };
  explorer.clusters.forEach((cluster, number) => {
    const label = [
      element("span", { class: "name" }, clusterName(explorer, number)),
      element("span", { class: "size" }, whole(cluster.size)),
      element("span", { class: "bar", style: `--share: ${(100 * cluster.size) / largest}%`, "aria-hidden": "true" }),
    ];
    list.append(element("li", {}, button(label, () => choose(number), { "aria-pressed": "false" })));
  });
  choose(Math.max(0, explorer.clusters.findIndex(({ size }) => size)));
  const chooseFrom = (number) => {
    choose(number);
    list.children[number].firstChild.focus();
  };
  return [
    element("p", { class: "muted" }, overview(explorer, run)),
    map ? showMap(map, explorer) : null,
    element("div", { class: "two-columns" }, list, detail),
    confusion(explorer, chooseFrom),
    disagreement(explorer),
  ].filter(Boolean);
}

function overview(explorer, run) {
  const facts = Object.fromEntries(run.facts);
  const models = explorer.n_models ? `${explorer.n_models} models` : null;
  const accuracy = facts.ACC ? `accuracy ${facts.ACC} %` : "classes unknown";
  return [`${whole(explorer.n)} points`, `${explorer.clusters.length} clusters`, models, accuracy]
    .filter(Boolean).join(" · ");
}

const className = (explorer, number) => explorer.classes[number] ?? String(number);

function clusterName(explorer, number) {
  const matched = explorer.clusters[number].class;
  return matched === null ? `Cluster ${number}` : `Cluster ${number}, class ${className(explorer, matched)}`;
}

function clusterDetail(explorer, number) {
  const cluster = explorer.clusters[number];
  const facts = [`${whole(cluster.size)} points (${percent(cluster.size / explorer.n)})`];
  if (cluster.sureness !== null) facts.push(`${percent(cluster.sureness)} of the models agree, on average`);
  if (cluster.counts.length && cluster.class !== null) {
    const right = cluster.counts.find(([of]) => of === cluster.class);
    facts.push(`${percent((right ? right[1] : 0) / cluster.size)} of its class`);
  }
  return [
    element("h4", {}, clusterName(explorer, number)),
    element("p", { class: "muted" }, facts.join(" · ")),
    cluster.size ? null : element("p", {}, "No point is in this cluster."),
    featureTable(explorer, cluster.features),
    members(explorer, cluster),
    cluster.counts.length > 1 ? bars("Classes in it", cluster.counts.slice(0, 8)
      .map(([of, count]) => [className(explorer, of), count, whole(count)])) : null,
  ].filter(Boolean);
}

function featureTable(explorer, features) {
  if (!features.length) return null;
  if (explorer.kind === "words") {
    const short = (value) => String(Number(value.toPrecision(2)));
    const shown = features.map(([name, inside, overall]) => [name, inside, `${short(inside)} (all: ${short(overall)})`]);
    return bars("Strongest words, by mean tf-idf here above that of all points", shown);
  }
  const rows = features.map(([name, inside, overall]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, String(inside)), element("td", {}, String(overall))));
  const head = ["", "mean here", "mean of all"].map((name) => element("th", { scope: "col" }, name));
  return element("div", { class: "scroll" }, element("table", { class: "plain" },
    element("caption", {}, "Columns that stand out most"),
    element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows)));
}

// rows: [name, number, text]
function bars(title, rows) {
  const largest = Math.max(...rows.map(([, value]) => value)) || 1;
  const lines = rows.map(([name, value, text]) => element("li", {},
    element("span", { class: "name" }, name),
    element("span", { class: "bar", style: `--share: ${(100 * value) / largest}%`, "aria-hidden": "true" }),
    element("span", { class: "size" }, text)));
  return element("div", { class: "bars" }, element("h5", {}, title), element("ul", {}, lines));
}

function members(explorer, cluster) {
  const points = cluster.members;
  if (!points.rows.length) return null;
  const isWrong = (i) => points.classes !== null && cluster.class !== null && points.classes[i] !== cluster.class;
  const title = element("h5", {}, "Random members");
  const note = points.classes && points.rows.some((_, i) => isWrong(i))
    ? element("p", { class: "muted" }, element("span", { class: "frame-key" }), " marked: of another class") : null;
  return element("div", {}, title, pointList(explorer, points, isWrong), note);
}

// Pictures where there are any, else a line a point with its words.
function pointList(explorer, points, isWrong, extra) {
  const described = points.rows.map((_, i) => describe(explorer, points, i));
  if (points.sprite) {
    const tiles = described.map((text, i) => element("li", {}, tile(points.sprite, i, text, isWrong(i)),
      extra ? element("span", { class: "muted" }, text) : null, extra ? extra(i) : null));
    const list = element("ul", { class: extra ? "tiles wide" : "tiles" }, tiles);
    list.style.setProperty("--sprite", `url("${points.sprite.uri}")`);
    return list;
  }
  const lines = described.map((text, i) => element("li", { class: isWrong(i) ? "wrong" : null },
    element("span", { class: "muted" }, text),
    points.words ? element("span", { class: "words" }, points.words[i].join(", ") || "none of the words") : null,
    points.values ? valueList(explorer.columns, points.values[i]) : null,
    extra ? extra(i) : null));
  return element("ul", { class: "lines" }, lines);
}

// A point of an explorer, or of a map: what it is called, or its cluster; its class, and the models that agree.
function describe(shown, points, i, name = pointName(points, i)) {
  return [
    name,
    points.classes ? `class ${className(shown, points.classes[i])}` : null,
    points.agreeing ? `${points.agreeing[i]} of ${shown.n_models} models agree` : null,
  ].filter(Boolean).join(", ");
}

// Rows are counted from 0, as in clusters.csv.
const pointName = (points, i) => (points.names ? points.names[i] : `row ${points.rows[i]}`);

function valueList(columns, values) {
  return element("span", { class: "values" }, columns.map((name, i) =>
    element("span", {}, `${name} `, element("b", {}, String(values[i])))));
}

function tile(sprite, i, text, wrong) {
  const made = element("span", { role: "img", "aria-label": text, title: text, class: wrong ? "tile wrong" : "tile" });
  const column = i % sprite.columns;
  const line = Math.floor(i / sprite.columns);
  const share = (at, of) => `${of > 1 ? (100 * at) / (of - 1) : 0}%`;
  made.style.aspectRatio = `${sprite.width} / ${sprite.height}`;
  made.style.backgroundSize = `${100 * sprite.columns}% ${100 * sprite.rows}%`;
  made.style.backgroundPosition = `${share(column, sprite.columns)} ${share(line, sprite.rows)}`;
  return made;
}

// Clusters by classes, the matched ones on the diagonal.
function confusion(explorer, choose) {
  const { clusters, classes } = explorer;
  if (!classes || clusters.every(({ counts }) => !counts.length)) return null; // names of clusters alone
  const title = element("h4", {}, "Clusters and classes");
  if (clusters.length * classes.length > LARGEST_TABLE) {
    return element("div", {}, title, element("p", { class: "muted" },
      `${clusters.length} clusters and ${classes.length} classes are too many for a table: choose a cluster to see its classes.`));
  }
  const place = (number) => clusters[number].class ?? classes.length;
  const order = clusters.map((_, number) => number).sort((a, b) => place(a) - place(b) || a - b);
  const rows = order.map((number) => {
    const cluster = clusters[number];
    const counts = new Map(cluster.counts);
    const cells = classes.map((_, of) => {
      const share = (counts.get(of) || 0) / (cluster.size || 1);
      return element("td", { class: of === cluster.class ? "matched" : null, style: `--share: ${share.toFixed(2)}` },
        counts.has(of) ? whole(counts.get(of)) : "");
    });
    const name = element("th", { scope: "row" }, button(String(number), () => choose(number),
      { class: "link", "aria-label": `Cluster ${number}: show its members` }));
    return element("tr", {}, name, cells);
  });
  const head = element("tr", {}, element("th", { scope: "col" }, "cluster"),
    classes.map((name) => element("th", { scope: "col" }, element("span", { title: name }, name))));
  const table = element("table", { class: classes.length > 12 ? "confusion many" : "confusion" },
    element("thead", {}, head), element("tbody", {}, rows));
  return element("div", {}, title,
    element("p", { class: "muted" }, "Points of each cluster (row) by class (column). The darker, the larger the fraction of the cluster; framed: the class it is matched to."),
    element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Clusters and classes" }, table));
}

function disagreement(explorer) {
  if (!explorer.agreement) return null;
  const counts = explorer.agreement
    .map((count, models) => [`${models} of ${explorer.n_models}`, count, `${whole(count)} (${percent(count / explorer.n)})`])
    .reverse();
  const points = explorer.disputed;
  const votes = (i) => {
    const of = new Map();
    for (const vote of points.votes[i]) of.set(vote, (of.get(vote) || 0) + 1);
    const sortedVotes = [...of].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return element("span", { class: "votes" }, sortedVotes.map(([cluster, count]) =>
      element("span", { class: cluster === points.labels[i] ? "vote final" : "vote" }, `${count} × ${voteName(explorer, cluster)}`)));
  };
  const list = points.rows.length
    ? [element("p", { class: "muted" }, "The points that the models disagree on most, with the votes for each cluster; in bold the one it ended in."),
      pointList(explorer, points, () => false, votes)]
    : [element("p", {}, "The models agree on every point.")];
  return element("div", {}, element("h4", {}, "Where the models disagree"),
    bars("Models that agree with the final answer, by number of points", counts), list);
}

function voteName(explorer, cluster) {
  const matched = explorer.clusters[cluster].class;
  return matched === null ? `c${cluster}` : `c${cluster}: ${className(explorer, matched)}`;
}
