// Marks that script runs, then lets nhsuk-frontend enhance what already works without it.
import { initAll } from './nhsuk.js';

document.body.classList.add('js-enabled', 'nhsuk-frontend-supported');
initAll();

// A second click on a button that sends a form would send it twice: the server copes, people need not wonder.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = 'yes';
  setTimeout(() => delete form.dataset.sent, 3000);
});

// A page brought back from the browser's memory would show forms as already sent.
window.addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent;
});

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}

for (const button of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(field.textContent);
    document.getElementById(`${field.id}-copied`).textContent = 'Copied';
  });
}
