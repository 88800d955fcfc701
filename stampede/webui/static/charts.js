"use strict";
// The charts of the newest run, as in its report, drawn anew while it goes on.
(() => {
  const EVERY = 2000; // ms between two looks while a run goes on
  const IDLE = 5000; // and while none does
  const charts = document.getElementById("charts");
  const status = document.getElementById("run");
  let run = { id: null, charts: [] }; // as it was last told

  /** The section a chart stands in: a title, and what it is drawn in. */
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
    const isDark = document.documentElement.dataset.theme === "dark";
    const ids = new Set(run.charts.map((chart) => chart.id));
    for (const section of [...charts.children]) if (!ids.has(section.id)) section.remove();
    for (const chart of run.charts) {
      const [title, plot] = place(chart).children;
      title.textContent = `${chart.title} `;
      title.append(Object.assign(document.createElement("small"), { textContent: chart.unit }));
      plot.setAttribute("aria-label", `${chart.title}: ${chart.says}`);
      const [data, layout] = drawn(chart.figure, plot, isDark);
      layout.uirevision = run.id; // what somebody has zoomed stays so
      Plotly.react(plot, data, layout, { displayModeBar: false, responsive: true });
    }
  }

  async function look() {
    let wait = IDLE;
    try {
      const answer = await fetch(charts.dataset.source);
      if (answer.redirected || !answer.ok) throw new Error(`status ${answer.status}: load this page again`);
      run = await answer.json();
      status.textContent = run.status;
      draw();
      wait = run.in_progress ? EVERY : IDLE;
    } catch (error) {
      status.textContent = `No answer from the master (${error.message}). Trying again …`;
    }
    setTimeout(next, wait);
  }

  /** A page that nobody looks at costs nothing. */
  function next() {
    if (document.hidden) addEventListener("visibilitychange", next, { once: true });
    else look();
  }

  addEventListener("themechange", draw);
  look();
})();
