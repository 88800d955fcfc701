"use strict";
// Draws the charts in the colours of the page, on one time axis: what is zoomed in one is in all.
(() => {
  const PAPER_WIDTH = 660; // pixels that fit A4 and Letter
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const plots = Object.keys(figures).map((id) => document.getElementById(id)).filter(Boolean);
  const inTime = plots.filter((plot) => figures[plot.id].layout.xaxis.type === "date");

  function draw(isDark, width) {
    for (const plot of plots) {
      const [data, layout] = drawn(figures[plot.id], plot, isDark);
      if (width) layout.width = width;
      const shown = plot.layout && plot.layout.xaxis.range;
      if (shown) layout.xaxis.range = shown;
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
  dark.addEventListener("change", () => draw(dark.matches));
  addEventListener("beforeprint", () => draw(false, PAPER_WIDTH)); // and white
  addEventListener("afterprint", () => draw(dark.matches));
})();
