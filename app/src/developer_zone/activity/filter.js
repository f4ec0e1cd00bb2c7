// Applies a choice in the filter immediately. With the keyboard, a value may be one of many on the way to another: the
// button or the Enter key applies it.
{
  const form = document.querySelector('.filter');
  let byKeyboard = false;
  form.addEventListener('keydown', (event) => {
    byKeyboard = event.key !== 'Enter';
  });
  form.addEventListener('pointerdown', () => {
    byKeyboard = false;
  });
  form.addEventListener('change', () => byKeyboard || form.requestSubmit());
}
