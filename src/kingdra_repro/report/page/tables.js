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
