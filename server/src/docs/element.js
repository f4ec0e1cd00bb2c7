/** Creates an element with these properties, attributes and content. */
export const element = (name, properties, attributes = {}, content = []) => {
  const created = Object.assign(document.createElement(name), properties);
  Object.entries(attributes).forEach(([attribute, value]) => created.setAttribute(attribute, value));
  created.append(...content);
  return created;
};
