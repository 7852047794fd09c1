/**
 * Runs in a page before anything of its own: `bench` says what the browser itself measured.
 * Sources: W3C Paint Timing, Largest Contentful Paint, Layout Instability, Long Tasks, Long Animation Frames.
 */
/* global PerformanceObserver, IntersectionObserver, MutationObserver, document, performance, requestAnimationFrame, addEventListener */

globalThis.bench = (() => {
  const load = { fcp: 0, lcp: 0, cls: 0, tasks: [], startedAt: performance.timeOrigin };
  let frames = [];
  let gaps = [];
  const observe = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe("paint", ({ name, startTime }) => name === "first-contentful-paint" && (load.fcp = startTime));
  observe("largest-contentful-paint", ({ startTime }) => (load.lcp = startTime));
  observe("layout-shift", ({ value, hadRecentInput }) => hadRecentInput || (load.cls += value));
  observe("longtask", ({ startTime, duration }) => load.tasks.push({ startTime, duration }));
  observe("long-animation-frame", (frame) => {
    const scripts = frame.scripts.map(
      ({ duration, invoker, sourceFunctionName, forcedStyleAndLayoutDuration }) =>
        [Math.round(duration), invoker, sourceFunctionName, Math.round(forcedStyleAndLayoutDuration)].join(
          " ",
        ),
    );
    const { startTime, duration, renderStart, styleAndLayoutStart } = frame;
    frames.push({ startTime, duration, renderStart, styleAndLayoutStart, scripts });
  });

  let last = 0;
  const frame = (at) => {
    if (last !== 0) gaps.push(at - last);
    last = at;
    requestAnimationFrame(frame);
  };

  const wall = (at) => performance.timeOrigin + at;
  const pressed = [];
  const shown = new Map();
  const arrived = [];

  return {
    load,
    /** Begins to count frames. */
    startFrames() {
      [frames, gaps] = [[], []];
      if (last === 0) requestAnimationFrame(frame);
    },
    /** What was counted, once the observers have been told of the last frame. */
    stopFrames: () =>
      new Promise((resolve) =>
        setTimeout(() => resolve({ frames: frames.splice(0), gaps: gaps.splice(0) }), 500),
      ),
    /** When Enter is pressed, by the machine's clock. */
    watchEnter() {
      addEventListener(
        "keydown",
        ({ key, timeStamp }) => key === "Enter" && pressed.push(wall(timeStamp)),
        true,
      );
    },
    pressed,
    /** When a text that begins with `mark` is first part of a frame that has been drawn, by the machine's clock. */
    watchText(mark) {
      const look = () => {
        for (const node of document.querySelectorAll('[role="log"] .row:nth-last-child(-n+3) .text')) {
          const text = node.textContent.trim();
          if (!text.startsWith(mark) || shown.has(text)) continue;
          shown.set(text, 0);
          // Told within the frame that has the text, this one or the next; what it leaves for later runs once that is drawn.
          const observer = new IntersectionObserver(() => {
            observer.disconnect();
            setTimeout(() => shown.set(text, wall(performance.now())), 0);
          });
          observer.observe(node);
        }
      };
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      });
    },
    shownAt: (text) => shown.get(text) ?? 0,
    /** Events in the order in which their rows came. */
    watchRows() {
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes)
          for (const node of addedNodes)
            if (node.nodeType === node.ELEMENT_NODE)
              for (const row of node.matches("[data-event]") ? [node] : node.querySelectorAll("[data-event]"))
                arrived.push(row.textContent);
      }).observe(document.querySelector('[role="log"] .rows'), { childList: true, subtree: true });
    },
    arrived,
    /** The texts that are on the page now. */
    texts: () => [...document.querySelectorAll('[role="log"] .rows .text')].map((node) => node.textContent),
  };
})();
