// SwaggerUIBundle comes from /docs/swagger-ui/swagger-ui-bundle.js.
/* global SwaggerUIBundle */
SwaggerUIBundle({
  url: '/openapi.yaml',
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  // A token that is entered here is forgotten with the page.
  persistAuthorization: false,
  // Nothing is asked of anybody else.
  validatorUrl: null,
});
