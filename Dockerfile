# syntax=docker/dockerfile:1

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
# The image carries this toolchain under this name. Without the variable rustup would follow
# rust-toolchain.toml and download clippy and rustfmt, which a build of the shop has no use for.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY migrations migrations
COPY domain domain
COPY documents documents
COPY store store
COPY providers providers
COPY projections projections
COPY commands commands
COPY api api
COPY tests tests
# The target folder is a cache and no part of the image: the program has to be copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build -p api --release --locked \
    && cp target/release/webox /usr/local/bin/webox

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/*
# The number is fixed because it owns the files of the volume, which outlive the image.
RUN groupadd --gid 10001 webox \
    && useradd --uid 10001 --gid webox --home-dir /data --no-create-home --no-log-init \
        --shell /usr/sbin/nologin webox \
    && install --directory --owner=webox --group=webox --mode=0700 /data
COPY --from=build /usr/local/bin/webox /usr/local/bin/webox
ENV WEBOX_LISTEN=0.0.0.0:8080 \
    WEBOX_DATA=/data
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD curl --fail --silent --show-error --output /dev/null --max-time 4 \
        http://127.0.0.1:8080/api/monitoring/health || exit 1
ENTRYPOINT ["webox"]
CMD ["serve"]
