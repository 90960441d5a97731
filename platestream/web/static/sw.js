// Service worker: the offline page, and notifications. It stores no page with data.
"use strict";
const VERSION = new URL(location).searchParams.get("v");
const CACHE = `platestream-${VERSION}`;
const OFFLINE = "/offline";
const FILES = [OFFLINE, `/static/console.css?${VERSION}`, `/static/theme.js?${VERSION}`, `/static/offline.js?${VERSION}`];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  const others = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(others());
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { pathname, search } = new URL(request.url);
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE, { cacheName: CACHE })));
  } else if (FILES.includes(pathname + search)) {
    event.respondWith(fetch(request).catch(() => caches.match(request, { cacheName: CACHE })));
  }
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const show = async () => {
    const [page] = await self.clients.matchAll({ type: "window" });
    if (!page) return self.clients.openWindow(event.notification.data);
    await page.focus();
    return page.navigate(event.notification.data);
  };
  event.waitUntil(show());
});
