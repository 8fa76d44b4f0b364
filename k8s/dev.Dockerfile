# A service from its sources, for `skaffold dev`: Node starts it again when one of its files changes.
ARG BUILD_IMAGE=node:26-bookworm-slim
FROM ${BUILD_IMAGE}
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/proto/package.json packages/proto/
COPY packages/kit/package.json packages/kit/
COPY packages/bundler/package.json packages/bundler/
COPY packages/testkit/package.json packages/testkit/
COPY services/player-state/package.json services/player-state/
COPY services/item-location/package.json services/item-location/
COPY services/area-stats/package.json services/area-stats/
COPY services/portal/package.json services/portal/
COPY tools/package.json tools/
COPY tests/package.json tests/
# Those of all services: their images are the same but for the last layer.
RUN npm ci --omit=dev --ignore-scripts --workspace=@realmkeep/player-state --workspace=@realmkeep/item-location \
    --workspace=@realmkeep/area-stats --workspace=@realmkeep/portal
COPY --chown=65532:65532 packages packages
COPY --chown=65532:65532 services services
ARG SERVICE
# The programs have the names that they have in an image.
RUN ln -s "services/${SERVICE}" service && mkdir dist && for program in main migrate jwks; do \
      echo "import '../services/${SERVICE}/src/${program}.ts';" > "dist/${program}.js"; \
    done
# The root of a pod is read-only; volumes are what can be written to.
VOLUME /app/packages /app/services
USER 65532:65532
ENTRYPOINT ["node"]
# Folders are watched, not the files that were loaded: skaffold puts a new file in the place of one that changed, and the
# watch of a file ends with the file.
CMD ["--watch-path=service", "--watch-path=packages/kit/src", "dist/main.js"]
