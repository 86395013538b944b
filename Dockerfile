# relay in an image with nothing else in it.
#
#   docker build -t relay .
#   docker run -d --name relay --hostname smtp.example.org --stop-timeout 40 \
#     -p 587:587 -p 465:465 -p 2525:2525 -v relay:/var/lib/relay \
#     -v /etc/relay:/etc/relay:ro relay
#   docker exec relay /relay account add acme --plan entry
#
# /etc/relay/relay.toml and the files it names must be readable for user 65532; all
# may be left out. docker kill -s HUP relay has it read them again.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/relay . && mkdir /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/relay /relay
COPY --from=build --chown=65532:65532 --chmod=700 /out/data /var/lib/relay
COPY --from=build --chown=65532:65532 --chmod=700 /out/tmp /tmp
ENV RELAY_DATA=/var/lib/relay
USER 65532:65532
VOLUME /var/lib/relay
EXPOSE 587 465 2525
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["/relay", "health"]
ENTRYPOINT ["/relay"]
CMD ["serve"]
