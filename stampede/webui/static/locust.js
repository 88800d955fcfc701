"use strict";
// Adds to Locust's page what its tables of text cannot show: colours, a headline and links.
// Each change is made again after the page has drawn itself again, and only where it is missing.
(() => {
  /** How each verdict begins in the tables: see SIGNS in stampede/webui/tabs.py. */
  const VERDICTS = { "✓": "pass", "✗": "fail", "?": "unknown", "–": "not-asked", "…": "running" };
  const opened = new WeakSet(); // the forms whose sections were opened once

  const columns = (table) => [...table.tHead.rows[0].cells].map((cell) => cell.dataset.sortkey);

  function set(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function verdictOf(text) {
    const verdict = VERDICTS[text.trim()[0]] ?? "unknown";
    return verdict === "pass" && text.includes("near its limit") ? "near" : verdict;
  }

  /** Colours the verdicts, and shows the first row above the table. */
  function drawVerdict(table) {
    const [stands, part, check, detail] = ["stands", "part", "check", "detail"].map((key) => columns(table).indexOf(key));
    set(table, "data-tab", "verdict");
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
    for (const table of document.querySelectorAll("main table:has(th[data-sortkey='stands'])")) drawVerdict(table);
  }

  new MutationObserver(draw).observe(document, { childList: true, subtree: true, characterData: true });
})();
