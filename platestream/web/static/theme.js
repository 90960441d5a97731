// Colors of this device, before the page is drawn: light, dark, or as the system is set.
"use strict";
const theme = localStorage.getItem("platestream-theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
