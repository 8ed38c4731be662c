// Searches, filters and sorts the table of projects; what is chosen is in the address, for others to open.
document.addEventListener("DOMContentLoaded", () => {
  const FIRST = 200; // rows that are laid out at once, so that sorting is quick
  const [form] = document.forms, table = document.getElementById("projects"), rest = document.getElementById("rest");
  const heads = [...table.tHead.rows[0].cells], collator = new Intl.Collator(undefined, { numeric: true });
  let rows = [...table.tBodies[0].rows].map((row, place) => {
    const [, state, team, criticality] = [...row.cells].map((cell) => cell.textContent);
    return { row, place, state, team, criticality, text: row.textContent.toLowerCase(), needs: row.dataset.needs.split(" ") };
  });
  let sorted = "", down = false, most = FIRST;

  function key(cell) {
    const text = cell.dataset.v ?? cell.textContent.trim(); // a number as it is, not as it is formatted
    if (text === "-") return "";
    return cell.dataset.v || cell.className ? Number(text) : text;
  }
  const column = (name) => heads.findIndex((head) => head.textContent === name);
  const isNumber = (value) => typeof value === "number";
  const compare = (a, b) => (isNumber(a) && isNumber(b) ? a - b : collator.compare(a, b));

  function sort() {
    const by = column(sorted);
    for (const each of rows) each.key = by < 0 ? each.place : key(each.row.cells[by]);
    rows.sort((a, b) => {
      if ((a.key === "") !== (b.key === "")) return a.key === "" ? 1 : -1; // what is unknown comes last in both directions
      return (down ? -1 : 1) * compare(a.key, b.key) || a.place - b.place;
    });
    heads.forEach((head, at) => head.setAttribute("aria-sort", at !== by ? "none" : down ? "descending" : "ascending"));
  }
  function show() {
    const { q, state, team, criticality, need } = Object.fromEntries(new FormData(form));
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const each of rows) {
      const chosen = (!state || each.state === state) && (!team || each.team === team) && (!criticality || each.criticality === criticality);
      const fits = chosen && (!need || each.needs.includes(need)) && words.every((word) => each.text.includes(word));
      count += fits;
      each.row.hidden = !fits || count > most;
    }
    table.tBodies[0].append(...rows.map((each) => each.row));
    form.querySelector("output").textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} projects`;
    rest.hidden = count <= most;
    rest.textContent = `Show the other ${(count - most).toLocaleString("en")}`;
  }
  function remember() {
    const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    if (sorted) chosen.set("sort", (down ? "-" : "") + sorted);
    history.replaceState(null, "", `#${chosen}`);
  }
  function restore() {
    const chosen = new URLSearchParams(location.hash.slice(1)), by = chosen.get("sort") || "";
    for (const field of form.elements) if (field.name) field.value = chosen.get(field.name) || "";
    [sorted, down, most] = [by.replace(/^-/, ""), by.startsWith("-"), FIRST];
    sort();
    show();
  }
  function change() {
    most = FIRST;
    show();
    remember();
  }

  for (const head of heads) {
    const button = Object.assign(document.createElement("button"), { textContent: head.textContent });
    button.addEventListener("click", () => {
      const numbers = rows.some(({ row }) => isNumber(key(row.cells[column(button.textContent)])));
      [sorted, down] = [button.textContent, sorted === button.textContent ? !down : numbers]; // the largest number first
      sort();
      change();
    });
    head.replaceChildren(button);
  }
  rest.addEventListener("click", () => ((most = Infinity), show()));
  form.addEventListener("input", change);
  form.addEventListener("reset", () => setTimeout(change));
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", () => (restore(), document.getElementById("list").scrollIntoView()));
  form.hidden = false;
  restore();
});
