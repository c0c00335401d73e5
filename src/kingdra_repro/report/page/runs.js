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
