#include "endpoint/endpoint.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <thread>
#include <utility>

#include "endpoint/provider.h"
#include "endpoint/session.h"

namespace interlock::endpoint {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Endpoint::Server {
  Provider provider;  // outlives the connections, which the context holds
  asio::io_context context;
  tcp::acceptor acceptor;
  std::thread thread;

  Server(Script script, std::uint16_t port)
      : provider(std::move(script)),
        acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {}

  void accept() {
    acceptor.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) std::make_shared<Session>(std::move(socket), provider)->start();
      accept();
    });
  }
};

Endpoint::Endpoint(Script script, std::uint16_t port)
    : server_(std::make_unique<Server>(std::move(script), port)) {
  server_->accept();
  server_->thread = std::thread([server = server_.get()] { server->context.run(); });
}

Endpoint::~Endpoint() {
  server_->context.stop();
  server_->thread.join();
}

std::uint16_t Endpoint::port() const { return server_->acceptor.local_endpoint().port(); }

std::string Endpoint::base_url() const { return fmt::format("http://127.0.0.1:{}", port()); }

std::vector<Entry> Endpoint::entries() const { return server_->provider.entries(); }

json::object Endpoint::books() const { return server_->provider.books(); }

bool Endpoint::wait_until(const std::function<bool(const std::vector<Entry>&)>& holds,
                          Duration patience) const {
  return server_->provider.wait_until(holds, patience);
}

}  // namespace interlock::endpoint
