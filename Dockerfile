# syntax=docker/dockerfile:1
# Every RUN of the build stage also works by hand in a clean copy of this folder
# (it needs Go and git); e2e/dockerfile_test.go does that.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
# ocb writes the collector's main from the manifest; the binary is then a plain go build.
RUN go build -C internal/tools -o ../../out/ocb go.opentelemetry.io/collector/cmd/builder
RUN mkdir -p cmd/otelcol-foundation && out/ocb --config builder-config.yaml --skip-get-modules --skip-compilation
RUN CGO_ENABLED=0 go build -tags remove_all_sd -trimpath -ldflags '-s -w' -o out/ ./cmd/otelcol-foundation ./cmd/foundationctl
RUN out/otelcol-foundation validate --config otelcol-foundation.yaml && mkdir -p out/data

# An empty base: two static binaries, the certificates of public certificate
# authorities, the configuration, and one folder that user 10001 may write.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/out/otelcol-foundation /src/out/foundationctl /usr/bin/
COPY --from=build /src/otelcol-foundation.yaml /etc/otelcol-foundation/
COPY --from=build /src/rules /etc/otelcol-foundation/rules
COPY --from=build --chown=10001:10001 /src/out/data /var/lib/otelcol-foundation
# alert_rules without a `directory` and other libraries want a temporary folder
ENV TMPDIR=/var/lib/otelcol-foundation \
    FOUNDATION_DATA_DIR=/var/lib/otelcol-foundation \
    FOUNDATION_RULES_DIR=/etc/otelcol-foundation/rules
USER 10001:10001
VOLUME /var/lib/otelcol-foundation
# Everything binds to 127.0.0.1 until you say otherwise, in a container too:
#   docker run -e FOUNDATION_OTLP_GRPC_ENDPOINT=0.0.0.0:4317 -p 127.0.0.1:4317:4317 ...
EXPOSE 4317 4318 9464 13133
ENTRYPOINT ["/usr/bin/otelcol-foundation"]
CMD ["--config", "/etc/otelcol-foundation/otelcol-foundation.yaml"]
