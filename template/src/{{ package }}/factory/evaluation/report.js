// Called by gate.js, which `factory compare` writes beside this page: shows the gate's result if it is of this model.
function showGate(result) {
  const place = (id) => document.getElementById(id);
  const add = (parent, tag, text) => Object.assign(parent.appendChild(document.createElement(tag)), { textContent: text });
  if (result.model !== place("gate").dataset.model) return;
  const outcome = result.passed ? "Passed" : `Rejected: ${[...new Set(result.refusals)].join(", ")}`;
  place("gate").textContent = `${outcome}, compared with ${result.against}`;
  if (result.version) {
    place("version").textContent = result.version;
    place("version").parentElement.hidden = false;
  }
  const table = place("checks");
  for (const name of result.headers) add(table.tHead.rows[0], "th", name || "result").scope = "col";
  for (const check of result.checks) {
    const row = table.tBodies[0].insertRow();
    for (const text of check) add(row, "td", text);
  }
  place("gate-section").hidden = false;
}
