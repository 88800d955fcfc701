"use strict";
// Draws the charts in the colours of the page, on one time axis: what is zoomed in one is in all.
(() => {
  const PAPER_WIDTH = 660; // pixels that fit A4 and Letter
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const { charts: figures, marks, routes } = JSON.parse(document.getElementById("figures").textContent);
  const choice = document.getElementById("route");
  const plots = Object.keys(figures).map((id) => document.getElementById(id)).filter(Boolean);
  const inTime = plots.filter((plot) => figures[plot.id].layout.xaxis.type === "date");
  for (const plot of inTime) Object.assign(figures[plot.id].layout, marks);

  // A chart of the chosen route has the lines of that route. All other charts are of the whole run.
  function figureOf(plot) {
    const chosen = choice && choice.value && routes[choice.value];
    const data = chosen && chosen[plot.id];
    return data ? { ...figures[plot.id], data } : figures[plot.id];
  }

  function choose() {
    for (const plot of plots) {
      const isChosen = figureOf(plot) !== figures[plot.id];
      plot.closest("figure").querySelector(".of-route").textContent = isChosen ? `of ${choice.value}` : "";
    }
    draw(dark.matches);
  }

  function draw(isDark, width) {
    for (const plot of plots) {
      const [data, layout] = drawn(figureOf(plot), plot, isDark);
      if (width) layout.width = width;
      const shown = plot.layout && plot.layout.xaxis.range;
      if (shown && inTime.includes(plot)) layout.xaxis.range = shown;
      Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false, doubleClick: "reset" });
    }
  }

  function together() {
    let isFollowing = false;
    const follow = (change) => (leader, told) => {
      if (isFollowing) return;
      isFollowing = true;
      Promise.all(inTime.filter((plot) => plot !== leader).map((plot) => change(plot, told)))
        .finally(() => { isFollowing = false; });
    };
    const zoom = follow((plot, told) => {
      const range = told["xaxis.range[0]"] ? [told["xaxis.range[0]"], told["xaxis.range[1]"]] : told["xaxis.range"];
      if (range) return Plotly.relayout(plot, { "xaxis.range": range });
      if (told["xaxis.autorange"]) return Plotly.relayout(plot, { "xaxis.range": figures[plot.id].layout.xaxis.range });
      return undefined;
    });
    for (const plot of inTime) plot.on("plotly_relayout", (told) => zoom(plot, told));
  }

  draw(dark.matches);
  together();
  if (choice) {
    choice.closest("p").hidden = false;
    choice.addEventListener("change", choose);
  }
  dark.addEventListener("change", () => draw(dark.matches));
  addEventListener("beforeprint", () => draw(false, PAPER_WIDTH)); // and white
  addEventListener("afterprint", () => draw(dark.matches));
})();
