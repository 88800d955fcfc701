"use strict";
// Adds to Locust's page what its tables of text cannot show: colours, a headline, links, and labels on a phone.
// Each change is made again after the page has drawn itself again, and only where it is missing.
(() => {
  /** How each verdict begins in the tables: see SIGNS in stampede/webui/tabs.py. */
  const VERDICTS = { "✓": "pass", "✗": "fail", "?": "unknown", "–": "not-asked", "…": "running" };
  /** Stampede's tabs, each by a column that only its table has: see TABS in stampede/webui/tabs.py. */
  const TABS = { stands: "verdict", s200: "outcomes", throttled: "system", facts: "events" };
  /** Columns of numbers. On a phone, their cells have the column's title; all other cells explain themselves. */
  const LABELLED = /^(measured|limit|all|s\d+|others|none|cpu|memory|throttled)$/;
  const opened = new WeakSet(); // the forms whose sections were opened once

  const columns = (table) => [...table.tHead.rows[0].cells].map((cell) => cell.dataset.sortkey);

  function set(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function verdictOf(text) {
    const verdict = VERDICTS[text.trim()[0]] ?? "unknown";
    return verdict === "pass" && text.includes("near its limit") ? "near" : verdict;
  }

  /** Marks the tables of Stampede's tabs, for locust.css, and labels their cells. */
  function drawTable(table) {
    const keys = columns(table);
    const tab = keys.map((key) => TABS[key]).find(Boolean);
    if (!tab) return;
    set(table, "data-tab", tab);
    const titles = [...table.tHead.rows[0].cells].map((cell, place) => LABELLED.test(keys[place]) && cell.textContent);
    for (const row of table.tBodies[0].rows) {
      titles.forEach((title, place) => title && set(row.cells[place], "data-title", title));
    }
    if (tab === "verdict") drawVerdict(table, keys);
  }

  /** Colours the verdicts, and shows the first row above the table. */
  function drawVerdict(table, keys) {
    const [stands, part, check, detail] = ["stands", "part", "check", "detail"].map((key) => keys.indexOf(key));
    for (const row of table.tBodies[0].rows) {
      const text = row.cells[stands].textContent;
      set(row.cells[stands], "data-verdict", verdictOf(text));
      if (row.cells[part].textContent !== "RUN") continue;
      set(row, "data-run", "");
      drawHeadline(table, text, row.cells[check].textContent, row.cells[detail].textContent);
    }
  }

  function drawHeadline(table, stands, headline, detail) {
    const box = (table.caption ?? table.createCaption()).querySelector("div") ?? headlineBox(table.caption);
    const [verdict, line, link, run] = box.children;
    const [id] = detail.split(",");
    set(box, "data-verdict", verdictOf(stands));
    write(verdict, stands);
    write(line, headline);
    write(run, detail);
    set(link, "href", `./stampede/reports/${id}/report.html`);
    link.hidden = !detail.includes(", done");
  }

  function headlineBox(caption) {
    caption.innerHTML =
      "<div class='stampede-headline'><strong></strong><span role='status'></span><a>Report</a><small></small></div>";
    return caption.firstChild;
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  /** Opens the sections of a new form: they have the run time, the profile and the targets. */
  function openSections(form) {
    if (opened.has(form)) return;
    opened.add(form);
    for (const section of form.querySelectorAll("button.MuiAccordionSummary-root[aria-expanded='false']")) section.click();
  }

  function draw() {
    for (const form of document.querySelectorAll("form:has(input[name='userCount'])")) openSections(form);
    for (const table of document.querySelectorAll("main table:has(th[data-sortkey])")) drawTable(table);
  }

  new MutationObserver(draw).observe(document, { childList: true, subtree: true, characterData: true });
})();
