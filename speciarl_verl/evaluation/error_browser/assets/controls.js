// The large view, the controls, the keys; then the start.

const dialog = find("large");
let viewed = null; // the row in the large view

function makeFacts(row) {
  const category = make("span", "", makeBadge(row.category), ` ${categories[row.category].name}`);
  const facts = [
    ["Truth", row.ground_truth],
    ["Answer", describeAnswer(row)],
    ["Category", category],
    ["Judged by", row.source],
    ["Confidence", row.confidence?.toString()],
    ["Tokens", row.response_tokens?.toString()],
    ["Data set", row.dataset],
    ["Picture", row.image],
    ["Sample", sampled ? row.sample.toString() : undefined],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  return make("dl", "", ...known.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", make("bdi", "", value))]));
}

function makeSiblings(row) {
  const buttons = samples[row.picture].map((sibling) => {
    const button = make("button", "", makeBadge(sibling.category), make("bdi", "", describeAnswer(sibling)));
    button.type = "button";
    button.setAttribute("aria-current", sibling === row);
    button.addEventListener("click", () => view(sibling));
    return button;
  });
  return buttons.length > 1 ? [make("div", "siblings", ...buttons)] : [];
}

function view(row) {
  const position = shown.indexOf(row);
  const response = make("pre", row.response === undefined ? "absent" : "");
  viewed = row;
  write(response, row.response ?? row.failure ?? "");
  find("detail").replaceChildren(make("div", "large", makePicture(row)), makeFacts(row), response, ...makeSiblings(row));
  find("position").textContent = position < 0 ? "not among the rows shown" : `${(position + 1).toLocaleString("en")} of ${shown.length.toLocaleString("en")}`;
  find("previous").disabled = position <= 0;
  find("next").disabled = position < 0 || position === shown.length - 1;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function step(by) {
  const row = shown[shown.indexOf(viewed) + by];
  if (row && shown.includes(viewed)) view(row);
}

const positionOf = (element) => Number(element.closest(".row").dataset.position);

find("list").addEventListener("click", ({ target }) => {
  if (target.closest(".picture")) view(shown[positionOf(target)]);
  else if (target.closest(".more")) toggleRow(positionOf(target));
});
find("list").addEventListener("focusin", ({ target }) => (current = positionOf(target)));
find("previous").addEventListener("click", () => step(-1));
find("next").addEventListener("click", () => step(1));
find("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
dialog.addEventListener("close", () => focusRow(shown.includes(viewed) ? shown.indexOf(viewed) : current));

find("search").addEventListener("input", ({ target }) => change({ search: target.value.trim() }));
find("dataset").addEventListener("change", ({ target }) => change({ dataset: target.value, class: "" }));
for (const id of ["class", "sort"]) find(id).addEventListener("change", ({ target }) => change({ [id]: target.value }));
for (const id of ["split", "full"]) find(id).addEventListener("change", ({ target }) => change({ [id]: target.checked }));

function reset() {
  find("search").value = "";
  change({ categories: new Set(), dataset: "", class: "", search: "", sort: "", split: false, full: false });
}

const KEYS = {
  j: () => focusRow(current + 1),
  k: () => focusRow(current - 1),
  ArrowDown: () => focusRow(current + 1),
  ArrowUp: () => focusRow(current - 1),
  Enter: () => view(shown[current]),
  e: () => toggleRow(current),
  "/": () => (find("search").focus(), find("search").select()),
  0: reset,
};
const VIEW_KEYS = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), k: () => step(-1), j: () => step(1) };

function act(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches("select, input")) {
    if (key === "Escape" || (key === "Enter" && target.id === "search")) target.blur();
    return;
  }
  // Arrows scroll and Enter presses buttons, except on a row.
  const taken = ["Enter", "ArrowDown", "ArrowUp"].includes(key) && !target.matches(".row");
  const category = "12345678".indexOf(key);
  const action = dialog.open ? VIEW_KEYS[key] : taken ? undefined : category >= 0 ? () => toggleCategory(category) : KEYS[key];
  if (!action) return;
  event.preventDefault();
  action();
}

categories.forEach(({ name }, index) => {
  const chip = make("button", `chip c${index}`, makeBadge(index), make("output", ""));
  chip.type = "button";
  chip.title = `${name} (${index + 1})`;
  chip.addEventListener("click", () => toggleCategory(index));
  find("categories").append(chip);
  find("shares").append(make("i", `c${index}`));
});
for (const name of unique(rows.map((row) => row.dataset))) find("dataset").append(new Option(name, name));
for (const [name, [label]] of Object.entries(ORDERS)) find("sort").append(new Option(label, name));
find("split-label").hidden = !sampled;
find("reset").addEventListener("click", reset);
document.addEventListener("keydown", act);
window.addEventListener("hashchange", loadState);
window.addEventListener("resize", estimate);
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty("--bar", `${target.offsetHeight}px`);
}).observe(find("bar"));
loadState();
