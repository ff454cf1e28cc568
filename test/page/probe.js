// Functions for the tests of test/page. Each returns a list of what is wrong, in
// words; an empty one is well.
window.probe = (() => {
  const name = (e) => {
    const id = e.id ? "#" + e.id : "";
    const cls = e.getAttribute("class") ? "." + e.getAttribute("class").trim().replace(/\s+/g, ".") : "";
    return e.tagName.toLowerCase() + id + cls + " " + JSON.stringify((e.textContent || "").trim().slice(0, 40));
  };
  const seen = (e) => e.checkVisibility({ contentVisibilityAuto: false, visibilityProperty: true }) && e.getClientRects().length > 0;
  const all = (s) => Array.from(document.querySelectorAll(s)).filter(seen);

  // Colours as the browser computes them: rgb() or rgba().
  const parse = (c) => {
    const n = c.match(/[\d.]+/g).map(Number);
    return { r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1 };
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1,
  });
  const luminance = (c) => {
    const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
    return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b);
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = (e) => {
    let layers = [];
    for (let p = e; p; p = p.parentElement) {
      const c = parse(getComputedStyle(p).backgroundColor);
      if (c.a > 0) { layers.push(c); }
      if (c.a === 1) { break; }
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches && !matchMedia("print").matches;
    const canvas = dark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 };
    return layers.reverse().reduce((under, top) => over(top, under), canvas);
  };

  return {
    wide: (width) => {
      const w = document.documentElement;
      const found = [];
      if (window.innerWidth !== width) { found.push("the window is " + window.innerWidth + " wide and was to be " + width); }
      if (w.scrollWidth > width) { found.push("the page is " + w.scrollWidth + " wide in a window of " + width); }
      for (const e of all("body *:not(svg *)")) {
        const b = e.getBoundingClientRect();
        if (b.width > 0 && (b.right > width + 0.5 || b.left < -0.5) && !e.closest(".scroll > *")) {
          found.push(name(e) + " reaches from " + b.left + " to " + b.right);
        }
      }
      return found;
    },
    svgs: (least) => {
      const found = [];
      const svgs = all("svg");
      if (svgs.length < least) { found.push("only " + svgs.length + " pictures of " + least); }
      for (const s of svgs) {
        const b = s.getBoundingClientRect(), p = s.parentElement.getBoundingClientRect();
        if (!(b.width > 0 && b.height > 0)) { found.push(name(s) + " has no size"); }
        if (b.left < p.left - 0.5 || b.right > p.right + 0.5 || b.top < p.top - 0.5 || b.bottom > p.bottom + 0.5) { found.push(name(s) + " leaves its parent"); }
      }
      for (const s of all(".drawing > svg")) {
        const v = s.viewBox.baseVal;
        for (const t of s.querySelectorAll("text")) {
          const b = t.getBBox();
          if (b.x < 0 || b.y < 0 || b.x + b.width > v.width || b.y + b.height > v.height) { found.push(name(t) + " is cut off"); }
        }
        for (const p of s.querySelectorAll("path.stroke")) {
          const b = p.getBBox();
          if (!(b.width > 0 || b.height > 0)) { found.push(name(p) + " is a point"); }
        }
        if (s.getAttribute("role") !== "img") { found.push(name(s) + " has no role"); }
        for (const id of s.getAttribute("aria-labelledby").split(" ")) {
          if (document.querySelectorAll("#" + CSS.escape(id)).length !== 1 || !document.getElementById(id).textContent) { found.push(id + " is no label"); }
        }
        // what 12 units come to on the screen
        const size = 12 * s.getBoundingClientRect().width / v.width;
        if (size < 9.5) { found.push(name(s) + " has text of " + size + " px"); }
      }
      return found;
    },
    labels: () => {
      const found = [];
      for (const s of all(".drawing > svg")) {
        const texts = Array.from(s.querySelectorAll("text")).map((t) => [t, t.getBBox()]);
        texts.forEach(([t, a], i) => {
          for (const [u, b] of texts.slice(i + 1)) {
            if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height) {
              found.push(s.querySelector("title").textContent + ": " + name(t) + " lies on " + name(u));
            }
          }
        });
      }
      return found;
    },
    contrast: () => {
      const found = [];
      const check = (e, what, colour, least) => {
        const got = contrast(over(parse(colour), behind(e)), behind(e));
        if (!(got >= least)) { found.push(name(e) + ": contrast of its " + what + " is " + got.toFixed(2)); }
      };
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      let texts = 0;
      for (let n = walker.nextNode(); n; n = walker.nextNode()) {
        const e = n.parentElement;
        if (!n.data.trim() || !seen(e) || e.closest("title, desc, script, style")) { continue; }
        texts++;
        const s = getComputedStyle(e);
        check(e, "text", e.closest("svg") ? s.fill : s.color, 4.5);
      }
      if (texts < 50) { found.push("only " + texts + " texts"); }
      for (const p of all("path.stroke")) { check(p, "line", getComputedStyle(p).stroke, 3); }
      for (const r of all(".bar rect")) { check(r, "bar", getComputedStyle(r).fill, 3); }
      return found;
    },
    // Lines of one picture are told apart without colour.
    dashes: () => {
      const found = [];
      for (const s of all(".drawing > svg")) {
        const dashes = Array.from(s.querySelectorAll("path.stroke")).map((p) => getComputedStyle(p).strokeDasharray + " " + getComputedStyle(p).strokeWidth);
        if (new Set(dashes).size !== dashes.length) { found.push(name(s) + " has equal lines: " + dashes.join("; ")); }
        const said = s.querySelectorAll("text.label:not(.axis)").length + s.parentElement.querySelectorAll(".legend li").length;
        if (said !== dashes.length) { found.push(name(s) + " has " + dashes.length + " lines and " + said + " names"); }
      }
      return found;
    },
    paper: () => {
      const found = [];
      for (const e of all("html, body, body *")) {
        const c = getComputedStyle(e).backgroundColor;
        if (parse(c).a > 0 && luminance(parse(c)) < 0.5 && !e.matches(".mark")) { found.push(name(e) + " has the background " + c); }
      }
      for (const d of document.querySelectorAll("details")) {
        for (const e of d.querySelectorAll("p, li, td, dd")) {
          if (!seen(e) || e.getBoundingClientRect().height === 0) { found.push(name(e) + " is folded away"); }
        }
      }
      for (const e of all(".scroll")) {
        if (getComputedStyle(e).overflowX !== "visible") { found.push(name(e) + " scrolls"); }
        for (const c of e.children) {
          if (c.getBoundingClientRect().right > e.getBoundingClientRect().right + 0.5) { found.push(name(c) + " is cut off by the edge"); }
        }
      }
      return found;
    },
    sticky: () => {
      const found = [];
      for (const s of all(".scroll")) {
        if (s.scrollWidth <= s.clientWidth) { continue; }
        if (s.tabIndex !== 0 || !s.getAttribute("role")) { found.push(name(s) + " cannot be scrolled by keyboard"); }
        s.scrollLeft = s.scrollWidth;
        const first = s.querySelector("tbody th").getBoundingClientRect();
        if (Math.abs(first.left - s.getBoundingClientRect().left) > 2) { found.push(name(s) + ": its first column does not stay"); }
        if (first.width > 0.6 * s.clientWidth) { found.push(name(s) + ": its first column takes " + first.width + " of " + s.clientWidth); }
        s.scrollLeft = 0;
      }
      return found;
    },
    numbers: () => Array.from(document.querySelectorAll("data[data-name]")).map((d) => [d.dataset.name, d.value, d.textContent, (d.parentElement.querySelector(".exact") || {}).textContent || ""]),
  };
})();
