"use strict";
(() => {
  const table = document.getElementById("sites");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const headers = Array.from(table.tHead.rows[0].cells);

  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      const falling = header.getAttribute("aria-sort") === "ascending";
      const numeric = header.classList.contains("number");
      const key = (row) => row.cells[column].dataset.key;
      const compare = (one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = numeric ? a - b : a.localeCompare(b, document.documentElement.lang);
        return falling ? -order : order;
      };
      headers.forEach((other) => other.setAttribute("aria-sort", "none"));
      header.setAttribute("aria-sort", falling ? "descending" : "ascending");
      body.append(...rows.sort(compare));
    });
  });

  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const plain = (text) => text.normalize("NFC").toLocaleLowerCase();
  search.addEventListener("input", () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    let found = 0;
    rows.forEach((row) => {
      const text = plain(row.textContent);
      row.hidden = !words.every((word) => text.includes(word));
      found += !row.hidden;
    });
    count.value = words.length ? count.dataset.some.replace("{found}", found) : count.dataset.all;
  });
  document.querySelector(".tools").hidden = false;

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
})();
