// Which rows are shown, in what order; the address keeps it.

const collator = new Intl.Collator("en", { numeric: true });
const rank = (row) => (row.category < 6 ? row.category : 5 - row.category); // unparseable and failed under W
const unique = (values) => [...new Set(values)].sort(collator.compare);
const ORDERS = {
  "": ["By data set and picture", null],
  worst: ["Worst first", (a, b) => rank(a) - rank(b)],
  best: ["Best first", (a, b) => rank(b) - rank(a)],
  truth: ["By truth", (a, b) => collator.compare(a.ground_truth, b.ground_truth)],
  answer: ["By answer", (a, b) => collator.compare(a.answer ?? "\uffff", b.answer ?? "\uffff")],
  unsure: ["Least confident first", (a, b) => (a.confidence ?? 2) - (b.confidence ?? 2)],
  longest: ["Longest response first", (a, b) => (b.response ?? "").length - (a.response ?? "").length],
};

const classesOf = (dataset) => rows.filter((row) => !dataset || row.dataset === dataset).map((row) => row.ground_truth);
const passes = (row, needle) =>
  (!state.dataset || row.dataset === state.dataset) &&
  (!state.class || row.ground_truth === state.class) &&
  (!state.split || disagree[row.picture]) &&
  (!needle || row.text.includes(needle));

function apply() {
  const needle = state.search.toLowerCase();
  const others = rows.filter((row) => passes(row, needle));
  const counts = categories.map(() => 0);
  for (const row of others) counts[row.category] += 1;
  shown = state.categories.size ? others.filter((row) => state.categories.has(row.category)) : others;
  const order = ORDERS[state.sort][1];
  if (order) shown = [...shown].sort(order);
  current = -1;
  showState(counts);
  drawList();
}

function change(changes) {
  Object.assign(state, changes);
  if ("full" in changes) toggled = new Set();
  apply();
  window.scrollTo(0, 0);
  clearTimeout(change.timer); // browsers limit how often the address may change
  change.timer = setTimeout(saveState, 200);
}

function toggleCategory(index) {
  const chosen = new Set(state.categories);
  if (!chosen.delete(index)) chosen.add(index);
  change({ categories: chosen });
}

function showState(counts) {
  const number = (count) => count.toLocaleString("en");
  const pictured = sampled ? `, ${number(new Set(shown.map((row) => row.picture)).size)} pictures` : "";
  find("count").textContent = `${number(shown.length)} of ${number(rows.length)} predictions${pictured}`;
  [...find("categories").children].forEach((chip, index) => {
    chip.setAttribute("aria-pressed", state.categories.has(index));
    chip.querySelector("output").textContent = number(counts[index]);
  });
  [...find("shares").children].forEach((share, index) => {
    const count = !state.categories.size || state.categories.has(index) ? counts[index] : 0;
    share.style.flexGrow = count;
    share.hidden = !count;
  });
  const names = unique(classesOf(state.dataset));
  find("class").replaceChildren(new Option("All classes", ""), ...names.map((name) => new Option(name, name)));
  if (document.activeElement !== find("search")) find("search").value = state.search;
  for (const id of ["dataset", "class", "sort"]) find(id).value = state[id];
  for (const id of ["split", "full"]) find(id).checked = state[id];
}

function saveState() {
  const saved = new URLSearchParams();
  if (state.categories.size) saved.set("category", [...state.categories].sort().map((i) => categories[i].symbol).join(","));
  for (const name of ["dataset", "class", "search", "sort"]) if (state[name]) saved.set(name, state[name]);
  for (const name of ["split", "full"]) if (state[name]) saved.set(name, "1");
  history.replaceState(null, "", `${saved}` ? `#${saved}` : location.pathname + location.search);
}

function loadState() {
  const saved = new URLSearchParams(location.hash.slice(1));
  const known = (name, values) => (values.includes(saved.get(name)) ? saved.get(name) : "");
  const symbols = (saved.get("category") ?? "").split(",");
  state = {
    categories: new Set(categories.flatMap(({ symbol }, index) => (symbols.includes(symbol) ? [index] : []))),
    dataset: known("dataset", rows.map((row) => row.dataset)),
    class: known("class", classesOf(saved.get("dataset"))),
    search: saved.get("search") ?? "",
    sort: known("sort", Object.keys(ORDERS)),
    split: saved.get("split") === "1",
    full: saved.get("full") === "1",
  };
  apply();
}
