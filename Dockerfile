# Every image of Hopline. deploy/images.sh runs it once for each service:
#   docker build --target service --build-arg SERVICE=front .
# docker compose also runs it for the lab with everything in it: --target hopline.

# The compiler runs on the builder's own platform and compiles for the image's, without emulation.
FROM --platform=$BUILDPLATFORM golang:1.26 AS source
WORKDIR /src
ENV GOWORK=off CGO_ENABLED=0 GOFLAGS=-buildvcs=false
# Set only if it is passed to `docker build`.
ARG GOPROXY
COPY pkg pkg
COPY services services

# All services in one step: they share most of their packages.
FROM source AS services
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
# Files have the commit's time, not the build's, so that a commit always gives the same layers.
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    set -e; export GOOS=$TARGETOS GOARCH=$TARGETARCH; \
    for service in front middle core clock bounced; do \
      mkdir -p /out/$service; \
      (cd services/$service && go build -trimpath -ldflags "-s -w -X github.com/hopline/hopline/pkg/server.build=$VERSION" -o /out/$service/service .); \
    done; \
    mkdir -p /out/certificates/etc/ssl/certs; \
    cp /etc/ssl/certs/ca-certificates.crt /out/certificates/etc/ssl/certs/; \
    find /out -exec touch -d @$SOURCE_DATE_EPOCH {} +

FROM scratch AS service
ARG SERVICE
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hopline/$SERVICE" \
      org.opencontainers.image.source="https://github.com/hopline/hopline" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT"
# For outbound TLS; the same layer in every image. Time zones are in the binary.
COPY --from=services /out/certificates/ /
COPY --from=services /out/$SERVICE/ /
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/service"]

# The lab: the command hopline, the services that it starts, and the overlays that it reads.
FROM source AS lab
COPY lab lab
COPY deploy deploy
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    set -e; mkdir -p /out/hopline/bin; \
    (cd lab && GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/hopline/bin/hopline ./cmd/hopline); \
    (cd services/suite && GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w -X github.com/hopline/hopline/pkg/server.build=$VERSION" -o /out/hopline/bin/suite .); \
    for service in front middle core clock bounced; do ln -s suite /out/hopline/bin/$service; done; \
    cp -R deploy /out/hopline/deploy; \
    find /out -exec touch -h -d @$SOURCE_DATE_EPOCH {} +

FROM scratch AS hopline
LABEL org.opencontainers.image.title="hopline" \
      org.opencontainers.image.source="https://github.com/hopline/hopline" \
      org.opencontainers.image.licenses="MIT"
COPY --from=services /out/certificates/ /
COPY --from=lab /out/ /
WORKDIR /hopline
USER 65532:65532
EXPOSE 8080 8090 9411 4318
ENTRYPOINT ["/hopline/bin/hopline"]
CMD ["up", "--listen", "0.0.0.0", "deploy/overlays/canary"]
