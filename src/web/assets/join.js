// Codes carried in the fragment (#code=…&token=…), which browsers send to no server: into the form, out of the address.
const carried = new URLSearchParams(location.hash.slice(1));
const form = document.querySelector('form[data-join]');
for (const name of ['code', 'token']) {
  const value = carried.get(name);
  if (value && form.elements[name].value === '') form.elements[name].value = value;
}
if (carried.has('code') || carried.has('token')) history.replaceState(null, '', location.pathname);
