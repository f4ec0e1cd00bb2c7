// Marks the section that is being read, in the list of the page's sections and among the endpoints in the navigation.

const headings = [...document.querySelectorAll('.prose h2[id]')];
const end = document.querySelector('.neighbours');
/** The part of the window, from its top, in which a heading starts to be read. */
const BAND = 0.3;

/** The last heading above the band's end. At the end of the page the last ones cannot get there. */
const current = () => {
  const top = (heading) => heading.getBoundingClientRect().top;
  if (end.getBoundingClientRect().bottom <= innerHeight) {
    const target = headings.find((heading) => `#${heading.id}` === decodeURIComponent(location.hash));
    return target && top(target) >= 0 ? target : headings.at(-1);
  }
  return headings.findLast((heading) => top(heading) < innerHeight * BAND);
};

/** Scrolls the list, but not the page, so that the link is in it. */
const reveal = (link) => {
  const list = link.closest('.documentation-nav > ul, .contents');
  const [outer, inner] = [list.getBoundingClientRect(), link.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) {
    list.scrollTop += inner.top - outer.top - (list.clientHeight - inner.height) / 2;
  }
};

let marked;

const mark = () => {
  const here = current();
  if (here === marked) {
    return;
  }
  marked = here;
  const links = [...document.querySelectorAll('.contents a, .endpoints a')];
  const isHere = (link) => here && link.pathname === location.pathname && link.hash === `#${here.id}`;
  // Before the marks change, because the layout is known now.
  links.filter(isHere).forEach(reveal);
  for (const link of links) {
    if (isHere(link)) {
      link.setAttribute('aria-current', 'location');
    } else {
      link.removeAttribute('aria-current');
    }
  }
};

// An observer is called after the first layout. Asking for the layout here would make the browser do it twice.
const shown = new IntersectionObserver((entries) => {
  shown.disconnect();
  entries.forEach(({ target }) => reveal(target));
});
document.querySelectorAll('.documentation-nav [aria-current="page"]').forEach((link) => shown.observe(link));
if (headings.length > 0 && end) {
  // All of the page above counts, so that a heading which jumps over the band is noticed, too.
  const passing = new IntersectionObserver(mark, { rootMargin: `1000000px 0px ${(BAND - 1) * 100}% 0px` });
  headings.forEach((heading) => passing.observe(heading));
  new IntersectionObserver(mark, { threshold: 1 }).observe(end);
  addEventListener('hashchange', mark);
}
