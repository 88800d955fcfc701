// As Locust's own page: what was chosen there, else what the system prefers.
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (localStorage.theme ? localStorage.theme === "dark" : prefersDark.matches);
const applyTheme = () => {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  dispatchEvent(new Event("themechange"));
};
addEventListener("storage", applyTheme);
prefersDark.addEventListener("change", applyTheme);
applyTheme();
