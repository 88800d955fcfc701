// The charts of the newest run, drawn anew while it goes on. Their figures name colours: here is what they
// look like in either theme.
"use strict";

const EVERY = 2000; // ms between two looks while a run goes on
const IDLE = 5000; // and while none does
const NARROW = 560; // px
const COLOURS = {
  light: {
    blue: "#2563eb", blue2: "#7aa5f8", green: "#15803d", green2: "#4fb477", green3: "#a3d9b7",
    amber: "#d97706", amber2: "#f0ab4e", amber3: "#92500a", amber4: "#f5cf96",
    red: "#dc2626", red2: "#f08585", red3: "#8f1616", violet: "#7c3aed", grey: "#8a949e",
    window: "rgba(37, 99, 235, .06)", users: [[0, "#c7d7fb"], [1, "#1d3f94"]],
    ink: "#1c2024", pale: "#5f6b76", rule: "#dde1e5", paper: "#fff",
  },
  dark: {
    blue: "#6ea2ff", blue2: "#3a64b4", green: "#4ade80", green2: "#2a9d58", green3: "#1c6b3c",
    amber: "#fbb040", amber2: "#b97a1d", amber3: "#ffd591", amber4: "#7d5213",
    red: "#f87171", red2: "#b84848", red3: "#fcaaaa", violet: "#b794f6", grey: "#8a949e",
    window: "rgba(110, 162, 255, .09)", users: [[0, "#33415e"], [1, "#9dc0ff"]],
    ink: "#f0f2f4", pale: "#a3adb7", rule: "#34393e", paper: "#1d1f21",
  },
};

const charts = document.getElementById("charts");
const status = document.getElementById("run");
let shown = []; // the charts, as they were last told

/** The same with the colours of the theme, wherever one is named. */
function coloured(value, colours, key = "") {
  if (key === "y") return value; // long, and numbers
  if (Array.isArray(value)) return value.map((each) => coloured(each, colours, key));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, coloured(each, colours, name)]));
  }
  return /color/i.test(key) ? (colours[value] ?? value) : value;
}

function layout(figure, colours) {
  const axis = { gridcolor: colours.rule, linecolor: colours.rule, zeroline: false, automargin: true };
  const narrow = innerWidth < NARROW;
  const { xaxis, yaxis, yaxis2, ...rest } = figure.layout;
  return {
    ...coloured(rest, colours),
    xaxis: { ...axis, nticks: narrow ? 4 : 7, ...xaxis },
    yaxis: { ...axis, ...yaxis },
    ...(yaxis2 && { yaxis2: { ...axis, ...yaxis2 } }),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colours.pale, family: "system-ui, sans-serif", size: 12 },
    hoverlabel: { bgcolor: colours.paper, bordercolor: colours.rule, font: { color: colours.ink } },
    legend: { orientation: "h", y: -0.18, font: { size: 11 } },
    margin: { l: 44, r: yaxis2 ? 36 : 8, t: 16, b: 24 },
  };
}

/** The element that a chart is drawn in. */
function place(chart) {
  const found = document.getElementById(chart.id);
  if (found) return found;
  const section = document.createElement("section");
  section.id = chart.id;
  section.innerHTML = "<h2></h2><div role='img'></div>";
  charts.append(section);
  return section;
}

function draw() {
  const colours = COLOURS[document.documentElement.dataset.theme];
  const ids = new Set(shown.map((chart) => chart.id));
  for (const section of [...charts.children]) if (!ids.has(section.id)) section.remove();
  for (const chart of shown) {
    const section = place(chart);
    section.firstChild.textContent = chart.title + " ";
    section.firstChild.append(Object.assign(document.createElement("small"), { textContent: chart.unit }));
    section.lastChild.setAttribute("aria-label", `${chart.title}: ${chart.says}`);
    const figure = chart.figure;
    const config = { displayModeBar: false, responsive: true };
    Plotly.react(section.lastChild, coloured(figure.data, colours), layout(figure, colours), config);
  }
}

async function look() {
  let wait = IDLE;
  try {
    const answer = await fetch(charts.dataset.source);
    if (answer.redirected || !answer.ok) throw new Error(`the master answered ${answer.status}`);
    const run = await answer.json();
    status.textContent = run.id
      ? `${run.id}, ${run.profile ?? "by the form's numbers"}: ${run.phase}`
      : "No run yet: its charts appear here as soon as one is started.";
    shown = run.charts;
    draw();
    wait = run.in_progress ? EVERY : IDLE;
  } catch (error) {
    status.textContent = `Waiting for the master (${error.message}) …`;
  }
  setTimeout(next, wait);
}

/** A page nobody looks at costs nothing. */
function next() {
  if (document.hidden) addEventListener("visibilitychange", next, { once: true });
  else look();
}

addEventListener("themechange", draw);
look();
