# Built with `docker build -t trackbridge .`
# Both stages name one exact version. docs/operations.md says how to pin its digest and how to build the same image twice.
FROM node:22.23.5-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY schemas ./schemas
# `prepare` compiles. Then the tree is cut down to what runs: the dependencies, and the drivers of all sinks, which a package
# leaves to its users. Their versions are those of the lock file.
RUN npm ci --no-audit --no-fund && \
  node -e "const manifest = require('./package.json'); \
    Object.assign(manifest.dependencies, manifest.peerDependencies); \
    for (const name in manifest.peerDependencies) delete manifest.devDependencies[name]; \
    delete manifest.peerDependencies; delete manifest.peerDependenciesMeta; \
    fs.writeFileSync('package.json', JSON.stringify(manifest, null, 2))" && \
  npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22.23.5-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
WORKDIR /app
RUN mkdir -m 0700 /app/data && chown node:node /app/data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/schemas ./schemas
USER node
VOLUME /app/data
EXPOSE 8080
# The receiver drains on SIGTERM within ten seconds: give `docker stop` no less.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve"]
