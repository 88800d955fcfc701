"use strict";
// What a figure looks like in the colours of the page. Reports and the live charts share it.
const drawn = (() => {
  const SHADES = {
    light: {
      ink: "#3c4654", line: "#e8ebef", paper: "#ffffff", window: "rgba(47, 98, 181, 0.07)", silent: "rgba(204, 58, 50, 0.14)",
      blue: "#2f6fd0", blue2: "#84aee8", green: "#1f9163", green2: "#6dbd98", green3: "#b0dcc8",
      amber: "#d08a10", amber2: "#e8b75c", amber3: "#9c6408", amber4: "#f2d9a4",
      red: "#cc3a32", red2: "#e58278", red3: "#8f1f1a", violet: "#7a5bc7", grey: "#8892a0",
    },
    dark: {
      ink: "#b6bfcb", line: "#272e37", paper: "#171b21", window: "rgba(143, 180, 245, 0.09)", silent: "rgba(240, 116, 107, 0.18)",
      blue: "#6ea3f2", blue2: "#3f69a8", green: "#54bd8c", green2: "#2f8763", green3: "#1d5a42",
      amber: "#e3ad4d", amber2: "#a87a26", amber3: "#f2d191", amber4: "#6d5120",
      red: "#f0746b", red2: "#b04a43", red3: "#f7aca6", violet: "#a68de6", grey: "#76808e",
    },
  };
  const touch = matchMedia("(pointer: coarse)").matches;

  const copy = (value) => JSON.parse(JSON.stringify(value));
  const faint = (colour) => colour + "22";

  function coloured(trace, shades) {
    if (trace.line) {
      const colour = shades[trace.line.color];
      trace.line.color = colour;
      trace.fillcolor = trace.stackgroup ? colour + "d0" : faint(colour);
    }
    if (trace.type === "bar") {
      trace.marker.color = shades[trace.marker.color];
    } else if (trace.marker && trace.marker.colorbar) {
      trace.marker.colorscale = [[0, shades.blue2], [1, shades.violet]];
      trace.marker.line = { width: 0 };
      trace.marker.colorbar.tickfont = { color: shades.ink };
    }
    return trace;
  }

  function axis(given, shades) {
    return {
      gridcolor: shades.line, linecolor: shades.line, zerolinecolor: shades.line, tickcolor: shades.line,
      automargin: false, ...given,
    };
  }

  function drawn(figure, plot, isDark) {
    const shades = isDark ? SHADES.dark : SHADES.light;
    const { data, layout } = copy(figure);
    for (const shape of layout.shapes || []) {
      if (shape.fillcolor) shape.fillcolor = shades[shape.fillcolor];
      if (shape.line.color) shape.line.color = shades[shape.line.color];
    }
    for (const note of layout.annotations || []) {
      note.font = { size: 10, color: shades.ink };
    }
    const isTime = layout.xaxis.type === "date";
    // Without a limit, a narrow chart turns its labels, which are then cut off.
    const isCategory = layout.xaxis.type === "category";
    return [data.map((trace) => coloured(trace, shades)), {
      ...layout,
      xaxis: axis({ ...(isTime ? { showgrid: false, tickformat: "%H:%M:%S", nticks: Math.max(3, Math.floor(plot.clientWidth / 110)), showspikes: true, spikemode: "across",
        spikethickness: 1, spikecolor: shades.grey, spikedash: "solid" } : {}), ...(isCategory ? { tickangle: 0, nticks: Math.max(3, Math.floor(plot.clientWidth / 50)) } : {}), ...layout.xaxis }, shades),
      yaxis: axis({ tickformat: ",", nticks: 6, ...layout.yaxis }, shades),
      ...(layout.yaxis2 ? { yaxis2: axis({ nticks: 5, tickformat: ",d", ...layout.yaxis2 }, shades) } : {}),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: shades.ink },
      hoverlabel: { bgcolor: shades.paper, bordercolor: shades.grey, font: { color: shades.ink, size: 12 } },
      legend: { orientation: "h", x: 0, y: -0.16, yanchor: "top", font: { size: 12 }, itemclick: "toggle" },
      margin: isTime ? { l: 58, r: 42, t: 18, b: 24 } : { l: 58, r: 24, t: 18, b: 48 },
      dragmode: touch ? false : "zoom", showlegend: isTime,
      ...(layout.showlegend === false ? { showlegend: false } : {}),
    }];
  }

  return drawn;
})();
