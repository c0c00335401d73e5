// The page comes to life: the data, then everything that shows it.
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
