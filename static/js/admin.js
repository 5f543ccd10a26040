// Operators' pages: htmx would add a style element, which our policy forbids.
window.htmx.config.includeIndicatorStyles = false;
