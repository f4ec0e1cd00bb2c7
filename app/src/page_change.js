// The browser fades from page to page (style/motion.css). It drops the fade if, for example, the next page is slow or
// hidden. That is not an error of the page.
for (const moment of ['pageswap', 'pagereveal']) {
  addEventListener(moment, ({ viewTransition }) => viewTransition?.ready.catch(() => {}));
}
