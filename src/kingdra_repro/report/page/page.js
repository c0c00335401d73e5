// The page comes to life: tables that sort, the runs behind a number, then everything that shows the data.

// A click on a heading sorts: downwards, upwards, then as it was. Empty cells stay last.
function makeSortable(table) {
  const body = table.tBodies[0];
  const asItWas = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const next = { none: "descending", descending: "ascending", ascending: "none" };
      const order = next[heading.getAttribute("aria-sort")];
      headings.forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", order);
      body.append(...(order === "none" ? asItWas : sorted(asItWas, column, order)));
    });
  });
}

function sorted(rows, column, order) {
  const value = (row) => row.cells[column].dataset.value;
  const known = rows.filter((row) => value(row));
  const numbers = known.every((row) => !Number.isNaN(Number(value(row))));
  const up = (a, b) => (numbers ? value(a) - value(b) : value(a).localeCompare(value(b)));
  known.sort(order === "ascending" ? up : (a, b) => up(b, a));
  return [...known, ...rows.filter((row) => !value(row))];
}

// What is known of a run, and the dialog with the runs behind a number.
function runDetails(run) {
  const facts = run.facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return [
    run.command && element("pre", { class: "command", tabindex: "0" }, run.command),
    element("dl", { class: "facts" }, facts),
    element("div", { class: "charts" }, historyCharts(run.history)),
  ];
}

function openRuns(opener, runs) {
  const dialog = document.getElementById("runs-dialog");
  const folders = opener.dataset.runs.split(";").filter(Boolean);
  const one = (folder) => {
    const run = runs[folder];
    const name = run ? run.name : "not in runs.csv";
    const content = [
      element("summary", {}, element("b", {}, name), " ", element("code", {}, folder)),
      run ? runDetails(run) : [],
    ];
    return element("details", { open: folders.length === 1 ? "" : null, class: "one-run" }, content);
  };
  dialog.replaceChildren(
    element("form", { method: "dialog" }, element("button", { class: "close", "aria-label": "Close" }, "×")),
    element("h3", { id: "runs-title" }, opener.dataset.title),
    element("p", { class: "muted" }, opener.dataset.about),
    ...(folders.length ? folders.map(one) : [element("p", {}, "No runs are listed for this number.")]),
  );
  dialog.showModal();
  dialog.scrollTop = 0;
}

const { runs, explorers } = JSON.parse(document.getElementById("data").textContent);
document.querySelectorAll("table:has(th[aria-sort])").forEach(makeSortable);
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-runs]");
  if (opener) openRuns(opener, runs);
});
document.querySelectorAll(".run[data-run]").forEach((place) => {
  place.append(...runDetails(runs[place.dataset.run]).filter(Boolean));
});
document.querySelectorAll(".explorer").forEach((place) => {
  showExplorer(place, explorers[place.dataset.dataset], runs);
});
