# One image for each service: docker build --build-arg SERVICE=player-state -t realmkeep/player-state:0.1.0 .
# SERVICE is a folder of services/. `npm run images` builds all of them and measures them.
ARG BUILD_IMAGE=node:26-bookworm-slim
ARG RUN_IMAGE=gcr.io/distroless/nodejs26-debian13:nonroot

# What of the repository the service is made of, so that a change elsewhere rebuilds nothing.
FROM ${BUILD_IMAGE} AS prune
WORKDIR /repository
COPY . .
ARG SERVICE
RUN npx --yes "turbo@$(node -p 'require("./package.json").devDependencies.turbo')" \
    prune "@realmkeep/${SERVICE}" @realmkeep/bundler --docker

FROM ${BUILD_IMAGE} AS build
WORKDIR /repository
COPY --from=prune /repository/out/json/ ./
ARG SERVICE
RUN npm ci --omit=dev --ignore-scripts --workspace="@realmkeep/${SERVICE}" --workspace=@realmkeep/bundler
COPY --from=prune /repository/out/full/ ./
RUN node packages/bundler/src/main.ts "${SERVICE}" /app

# Node and the bundle: no shell, no npm, nothing to write to. The entrypoint is node.
FROM ${RUN_IMAGE}
ARG SERVICE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="realmkeep/${SERVICE}" \
      org.opencontainers.image.description="The service ${SERVICE} of Realmkeep, a game backend" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY --from=build /app/ ./
USER 65532:65532
# dist/migrate.js applies the migrations of the service instead.
CMD ["dist/main.js"]
