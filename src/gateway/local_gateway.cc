#include "gateway/local_gateway.h"

#include <utility>

#include "base/check.h"
#include "gateway/house.h"

namespace interlock::gateway {

LocalGateway::LocalGateway(std::unique_ptr<House> house) : house_(std::move(house)) {}
LocalGateway::~LocalGateway() = default;

Result<std::unique_ptr<LocalGateway>> LocalGateway::open(Options options) {
  check(options.now && options.chance, "the gateway is given a clock and chance");
  auto house = House::open(std::move(options));
  if (!house) return std::unexpected(house.error());
  return std::unique_ptr<LocalGateway>(new LocalGateway(std::move(*house)));
}

Result<engine::Gateway::Door> LocalGateway::open(const Wish& wish) {
  std::optional<Result<Door>> door;
  house_->in_thread([&] { door = house_->open_door(wish); });
  return *door;
}

std::vector<engine::ModelCall> LocalGateway::take_calls() { return house_->take_told(); }

std::vector<engine::Gateway::Waiting> LocalGateway::waiting() { return house_->waiting(); }

std::vector<engine::ModelCall> LocalGateway::close(engine::AttemptName name) {
  std::vector<engine::ModelCall> calls;
  house_->in_thread([&] { calls = house_->close_doors(name); });
  return calls;
}

void LocalGateway::set_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) {
  house_->in_thread([&] { house_->set_run_budget(tokens, usd); });
}

std::uint16_t LocalGateway::port() const { return house_->port(); }

std::optional<quota::Account::Picture> LocalGateway::picture(std::string_view quota) {
  std::optional<quota::Account::Picture> picture;
  house_->in_thread([&] {
    if (const auto found = house_->admission->find(quota))
      picture = house_->admission->account(*found).picture(quota::now());
  });
  return picture;
}

}  // namespace interlock::gateway
