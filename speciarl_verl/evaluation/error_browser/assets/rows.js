"use strict";
// Text of the data reaches the page through textContent, append() and Option() alone: none of them parses markup.

const CHUNK = 60; // rows that come and go together
const PREVIEW = 600; // characters of a response in a closed row
const find = (id) => document.getElementById(id);

const { categories, pictures, rows } = JSON.parse(find("data").textContent);
find("data").remove();
const samples = pictures.map(() => []);
for (const row of rows) {
  samples[row.picture].push(row);
  row.text = [row.ground_truth, row.answer, row.response, row.failure].filter(Boolean).join("\n").toLowerCase();
}
const disagree = samples.map((group) => new Set(group.map((row) => row.category)).size > 1);
const sampled = samples.some((group) => group.length > 1);

let state; // what the filters say
let shown = []; // the rows that pass them, in order
let toggled = new Set(); // rows that are not as `state.full` has them
let chunks = [];
let current = -1; // position in `shown`
let rowHeight = 90;

// --- elements

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

const makeBadge = (index) => make("span", `badge c${index}`, categories[index].symbol);

function makePicture(row) {
  const data = pictures[row.picture];
  if (data === null) return make("span", "absent", "no picture");
  const image = make("img");
  image.src = `data:image/webp;base64,${data}`;
  image.alt = row.ground_truth;
  return image;
}

function write(target, text) {
  const needle = state.search.toLowerCase();
  const low = text.toLowerCase();
  // Lower case may change a text's length ("İ"): then there is no telling where a match lies in the original.
  if (!needle || low.length !== text.length) return void target.replaceChildren(text);
  const parts = [];
  let from = 0;
  for (let at = low.indexOf(needle); at >= 0; at = low.indexOf(needle, from)) {
    parts.push(text.slice(from, at), make("mark", "", text.slice(at, at + needle.length)));
    from = at + needle.length;
  }
  target.replaceChildren(...parts, text.slice(from));
}

const describeAnswer = (row) => row.answer ?? row.refusal ?? "no answer";
const describeSource = (row) => [row.source, row.confidence?.toFixed(2)].filter(Boolean).join(" · ");
const isOpen = (row) => state.full !== toggled.has(row);

function preview(text) {
  const line = text.replace(/\s+/g, " ").trim();
  const at = state.search ? line.toLowerCase().indexOf(state.search.toLowerCase()) : -1;
  const from = at > 80 ? at - 40 : 0;
  const cut = line.slice(from, from + PREVIEW);
  return (from ? "…" : "") + cut + (from + PREVIEW < line.length ? "…" : "");
}

function drawRow(row, position) {
  const element = find("row-template").content.firstElementChild.cloneNode(true);
  const field = (name) => element.querySelector(`[data-field="${name}"]`);
  const response = row.response ?? row.failure ?? "";
  element.dataset.position = position;
  element.classList.toggle("open", isOpen(row));
  element.querySelector(".picture").append(makePicture(row));
  element.querySelector(".badge").replaceWith(makeBadge(row.category));
  element.querySelector(".more").hidden = !response;
  write(field("truth"), row.ground_truth);
  field("place").textContent = (sampled ? `sample ${row.sample} · ` : "") + `${row.dataset} / ${row.image}`;
  write(field("answer"), describeAnswer(row));
  field("answer").classList.toggle("refused", row.answer === undefined);
  field("source").textContent = describeSource(row);
  write(field("response"), isOpen(row) ? response : preview(response));
  return element;
}

// --- the list: a chunk far from the window is an empty box of its height

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) (isIntersecting ? fill : drain)(target);
  },
  { rootMargin: "900px 0px" },
);

function fill(chunk) {
  if (chunk.firstChild) return;
  const start = chunks.indexOf(chunk) * CHUNK;
  chunk.style.height = "";
  chunk.append(...shown.slice(start, start + CHUNK).map((row, index) => drawRow(row, start + index)));
}

function drain(chunk) {
  if (!chunk.firstChild) return;
  chunk.style.height = `${chunk.offsetHeight}px`;
  chunk.replaceChildren();
}

function estimate() {
  const full = chunks.find((chunk) => chunk.firstChild);
  if (full) rowHeight = full.offsetHeight / full.childElementCount;
  chunks.forEach((chunk, index) => {
    if (!chunk.firstChild) chunk.style.height = `${rowHeight * Math.min(CHUNK, shown.length - index * CHUNK)}px`;
  });
}

function drawList() {
  observer.disconnect();
  chunks = Array.from({ length: Math.ceil(shown.length / CHUNK) }, () => make("div", "chunk"));
  if (chunks.length) fill(chunks[0]);
  find("list").replaceChildren(...chunks);
  find("nothing").hidden = shown.length > 0;
  estimate();
  for (const chunk of chunks) observer.observe(chunk);
}

function focusRow(position) {
  if (!shown.length) return;
  current = Math.max(0, Math.min(shown.length - 1, position));
  const chunk = chunks[Math.floor(current / CHUNK)];
  fill(chunk);
  const element = chunk.children[current % CHUNK];
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

function toggleRow(position) {
  const row = shown[position];
  if (!row) return;
  if (!toggled.delete(row)) toggled.add(row);
  const old = find("list").querySelector(`[data-position="${position}"]`);
  const hadFocus = old?.contains(document.activeElement);
  old?.replaceWith(drawRow(row, position));
  if (hadFocus) focusRow(position);
}
