// Choices of the reader, kept in local storage. Access to it may be denied.

/** The value stored under this key, or null. */
export const remembered = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

/** Stores the value. Returns false if the browser refuses: the choice then lasts only for this page. */
export const remember = (key, value) => {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
};

export const forget = (key) => {
  try {
    localStorage.removeItem(key);
  } catch {
    // Then it was not stored.
  }
};
