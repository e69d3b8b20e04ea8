#include "gateway/relay.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <mutex>
#include <thread>
#include <utility>

namespace interlock::gateway::scenes {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Relay::Server {
  enum class Kind : unsigned char { tls, proxy, refusing_proxy };

  const Kind kind;
  const std::uint16_t to;
  asio::io_context context;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  mutable std::mutex mutex;  // of what follows
  std::size_t connections = 0;
  std::vector<std::string> asked;
  std::thread thread;

  Server(Kind what, std::uint16_t port) : kind(what), to(port) {}

  void accept();
  void run() {
    accept();
    thread = std::thread([this] { context.run(); });
  }
};

namespace {

using Server = Relay::Server;
using Socket = tcp::socket;
using TlsSocket = asio::ssl::stream<tcp::socket>;

tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

/// Two connections made one.
template <class Stream>
class Pipe : public std::enable_shared_from_this<Pipe<Stream>> {
 public:
  explicit Pipe(Stream client) : client_(std::move(client)), provider_(client_.get_executor()) {}

  Stream& client() { return client_; }
  /// `first` goes to the provider before anything else.
  void start(std::uint16_t port, std::string first) {
    first_ = std::move(first);
    provider_.async_connect(loopback(port), [self = this->shared_from_this()](error_code error) {
      if (error) return self->close();
      asio::async_write(self->provider_, asio::buffer(self->first_),
                        [self](error_code failed, std::size_t) {
                          if (failed) return self->close();
                          self->pump(self->client_, self->provider_, self->out_);
                          self->pump(self->provider_, self->client_, self->back_);
                        });
    });
  }

 private:
  using Buffer = std::array<char, 16384>;

  template <class From, class To>
  void pump(From& from, To& to, Buffer& buffer) {
    from.async_read_some(asio::buffer(buffer), [self = this->shared_from_this(), &from, &to,
                                                &buffer](error_code error, std::size_t size) {
      if (error) return self->close();
      asio::async_write(to, asio::buffer(buffer.data(), size),
                        [self, &from, &to, &buffer](error_code failed, std::size_t) {
                          if (failed) return self->close();
                          self->pump(from, to, buffer);
                        });
    });
  }
  void close() {
    error_code ignored;
    client_.lowest_layer().close(ignored);
    provider_.close(ignored);
  }

  Stream client_;
  Socket provider_;
  std::string first_;
  Buffer out_{}, back_{};
};

/// One client of a proxy, until what it wants is known.
class ProxyClient : public std::enable_shared_from_this<ProxyClient> {
 public:
  ProxyClient(Server& server, Socket socket)
      : server_(server), pipe_(std::make_shared<Pipe<Socket>>(std::move(socket))) {}

  void start() {
    asio::async_read_until(pipe_->client(), asio::dynamic_buffer(head_), "\r\n\r\n",
                           [self = shared_from_this()](error_code error, std::size_t) {
                             if (!error) self->on_head();
                           });
  }

 private:
  void on_head() {
    const std::string line = head_.substr(0, head_.find("\r\n"));
    {
      const std::scoped_lock lock(server_.mutex);
      server_.asked.push_back(line);
    }
    if (server_.kind == Server::Kind::refusing_proxy)
      return answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    false);
    if (line.starts_with("CONNECT ")) return answer("HTTP/1.1 200 OK\r\n\r\n", true);
    // `POST http://127.0.0.1:PORT/path`: the provider is asked for the path.
    const std::size_t authority = head_.find("http://");
    const std::size_t path = head_.find('/', authority + 7);
    const std::uint16_t port = port_in(head_.substr(authority + 7, path - authority - 7));
    head_.erase(authority, path - authority);
    pipe_->start(port, std::move(head_));
  }

  void answer(std::string words, bool tunnels) {
    const std::string where = head_.substr(0, head_.find(" HTTP/"));
    head_ = std::move(words);
    asio::async_write(pipe_->client(), asio::buffer(head_),
                      [self = shared_from_this(), where, tunnels](error_code error, std::size_t) {
                        if (!error && tunnels) self->pipe_->start(port_in(where), {});
                      });
  }

  static std::uint16_t port_in(std::string_view authority) {
    std::uint16_t port = 0;
    authority.remove_prefix(authority.rfind(':') + 1);
    std::from_chars(authority.data(), authority.data() + authority.size(), port);
    return port;
  }

  Server& server_;
  std::shared_ptr<Pipe<Socket>> pipe_;
  std::string head_;
};

void serve_tls(Server& server, Socket socket) {
  const auto pipe = std::make_shared<Pipe<TlsSocket>>(TlsSocket(std::move(socket), server.tls));
  pipe->client().async_handshake(TlsSocket::server, [pipe, port = server.to](error_code error) {
    if (!error) pipe->start(port, {});
  });
}

}  // namespace

void Relay::Server::accept() {
  acceptor.async_accept([this](error_code error, Socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      {
        const std::scoped_lock lock(mutex);
        ++connections;
      }
      if (kind == Kind::tls)
        serve_tls(*this, std::move(socket));
      else
        std::make_shared<ProxyClient>(*this, std::move(socket))->start();
    }
    accept();
  });
}

Relay::Relay(std::unique_ptr<Server> server) : server_(std::move(server)) { server_->run(); }

Relay::~Relay() {
  server_->context.stop();
  server_->thread.join();
}

std::unique_ptr<Relay> Relay::tls(const Identity& identity, std::uint16_t port) {
  auto server = std::make_unique<Server>(Server::Kind::tls, port);
  server->tls.use_certificate_chain(asio::buffer(identity.certificate));
  server->tls.use_private_key(asio::buffer(identity.key), asio::ssl::context::pem);
  return std::unique_ptr<Relay>(new Relay(std::move(server)));
}

std::unique_ptr<Relay> Relay::proxy() {
  return std::unique_ptr<Relay>(new Relay(std::make_unique<Server>(Server::Kind::proxy, 0)));
}

std::unique_ptr<Relay> Relay::refusing_proxy() {
  return std::unique_ptr<Relay>(
      new Relay(std::make_unique<Server>(Server::Kind::refusing_proxy, 0)));
}

std::uint16_t Relay::port() const { return server_->acceptor.local_endpoint().port(); }

std::size_t Relay::connections() const {
  const std::scoped_lock lock(server_->mutex);
  return server_->connections;
}

std::vector<std::string> Relay::asked() const {
  const std::scoped_lock lock(server_->mutex);
  return server_->asked;
}

}  // namespace interlock::gateway::scenes
