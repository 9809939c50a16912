// Brings the page up to date while the sweep runs; without it the page is whole all the same.
(() => {
  'use strict';
  const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));
  const pauses = { soon: 700, yes: 3000, seldom: 15000 };
  const pause = () => {
    const view = document.getElementById('sweep');
    return (view && pauses[view.dataset.live]) || 3000;
  };
  const refresh = async () => {
    for (;;) {
      const view = document.getElementById('sweep');
      if (!view || view.dataset.live === 'no') return;
      const began = Date.now();
      if (!document.hidden) {
        try {
          const answer = await fetch(location.href, { cache: 'no-store' });
          const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
          const fresh = page.getElementById('sweep');
          if (answer.ok && fresh) {
            const open = new Set([...view.querySelectorAll('details[open]')].map(each => each.id));
            fresh.querySelectorAll('details').forEach(each => { each.open = open.has(each.id); });
            view.replaceWith(document.adoptNode(fresh));
          }
        } catch (unreachable) {
          // The application may have ended; what the page shows stays.
        }
      }
      // A page that is slow to make is asked for less often, and so is one of a sweep that nobody drives just now.
      await wait(Math.max(pause(), 10 * (Date.now() - began)));
    }
  };
  wait(pause()).then(refresh);
})();
