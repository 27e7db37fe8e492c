// In the reference: the theme that was chosen on the site, and the way back to it.
try {
  const theme = localStorage.getItem('lanegrad-theme')
  if (theme && !localStorage.getItem('tsd-theme')) document.documentElement.dataset.theme = theme
} catch {
  // storage is forbidden: the system's theme stays
}
