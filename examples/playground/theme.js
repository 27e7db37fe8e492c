// Runs before the first paint: the theme chosen last time, if any, so that nothing flashes.
try {
  const theme = localStorage.getItem('lanegrad-theme')
  if (theme) document.documentElement.dataset.theme = theme
} catch {
  // storage is forbidden: the system's theme stays
}
