// Choices of the reader, kept in local storage. Access to it may be denied.

/** The value stored under this key, or null. */
export const remembered = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

export const remember = (key, value) => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice then lasts only for this page.
  }
};
