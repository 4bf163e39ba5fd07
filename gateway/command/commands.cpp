// SPDX-License-Identifier: MIT
#include "gateway/command/commands.hpp"

#include "gateway/config_text.hpp"

namespace isthmus::gateway {
namespace {

constexpr OptionText kConfig{"--config", "FILE", "Configuration file (TOML); without one the gateway runs on loopback"};
constexpr OptionText kData{"--data", "DIR", "Directory for state and generated secrets (./data)"};

constexpr OptionText kRun[] = {
    kConfig,
    {"--webhook-url", "URL",
     "The web server that is asked and told about calls; its secret comes in ISTHMUS_WEBHOOK_SECRET"},
    {"--sip", "HOST:PORT", "Listen for SIP here, UDP and TCP (127.0.0.1:5060)", false, true},
    {"--web", "HOST:PORT", "Listen for page, clients and API here (127.0.0.1:8080)"},
    kData,
    {"--log-level", "LEVEL", "debug, info, warning, error or off (info)"},
    {"--log-format", "FORMAT", "text or json, one object a line (text)"},
};
constexpr OptionText kCheck[] = {{"FILE", "", "The file", true}};

constexpr OptionText kCert[] = {
    {"HOST", "", "A name or address that browsers will open", true, true},
    {"--force", "", "Replace the certificate that is there; the authority stays"},
    kConfig,
    kData,
};
constexpr OptionText kName{"NAME", "", "User part of its SIP address", true};
constexpr OptionText kPassword[] = {
    kName,
    kConfig,
    kData,
    {"--generate", "", "Make a password and print it; otherwise it is asked for, or read from a pipe"},
};
constexpr OptionText kAccounts[] = {kConfig, kData};
constexpr OptionText kAccount[] = {kName, kConfig, kData};
// Of every command that speaks to the gateway that runs (command/api_client).
constexpr OptionText kWeb{"--web", "HOST:PORT", "Where the running gateway serves its API (web.listen)"};
constexpr OptionText kCalls[] = {kConfig, kData, kWeb};
constexpr OptionText kDrain[] = {
    kConfig, kData, kWeb, {"--stop", "", "End the gateway with its last call"}, {"--off", "", "Take new calls again"},
};
constexpr OptionText kTraceOn[] = {
    {"WHAT", "", "One call alone (its id, or a SIP Call-ID), or one IP address; without it everything"},
    kConfig,
    kData,
    kWeb,
};
constexpr OptionText kTraceSave[] = {
    {"FILE", "", "The file to write; never one that is there", true}, kConfig, kData, kWeb};

constexpr CommandText kCommands[] = {
    {"run", "Run the gateway (what happens without a command)", kRun, "isthmus run --config /etc/isthmus/isthmus.toml",
     command_run},
    {"check", "Read a configuration file and say what is wrong with it", kCheck,
     "isthmus check /etc/isthmus/isthmus.toml", command_check},
    {"account add", "Make an account in the database", kPassword, "isthmus account add 1000 --generate",
     command_account_add},
    {"account list", "List all accounts and where they stand", kAccounts, "isthmus account list", command_account_list},
    {"account remove", "Remove an account from the database", kAccount, "isthmus account remove 1000",
     command_account_remove},
    {"account passwd", "Give an account another password", kPassword, "isthmus account passwd 1000",
     command_account_passwd},
    {"calls", "List the calls of the gateway that runs", kCalls, "isthmus calls --config /etc/isthmus/isthmus.toml",
     command_calls},
    {"drain", "Have the running gateway take no new calls, and wait until the last one is over", kDrain,
     "isthmus drain --stop --config /etc/isthmus/isthmus.toml", command_drain},
    {"cert", "Make an authority of one's own and a certificate for HTTPS, below DIR/tls, and say how to trust it",
     kCert, "isthmus cert pbx.example.org 192.0.2.1 --config /etc/isthmus/isthmus.toml", command_cert},
    {"trace", "Show SIP messages of the gateway that runs, as they come, without their secrets", kCalls,
     "isthmus trace", command_trace},
    {"trace on", "Begin to keep SIP messages, 8 MiB of them", kTraceOn, "isthmus trace on 192.0.2.7", command_trace_on},
    {"trace off", "Keep no more", kCalls, "isthmus trace off", command_trace_off},
    {"trace save", "Save what is kept as a pcapng file for Wireshark", kTraceSave, "isthmus trace save call.pcapng",
     command_trace_save},
};

std::string option_line(const OptionText& option) {
  std::string out = ".TP\n.B " + roff(option.name);
  if (!option.value.empty()) out += " \\fI" + roff(option.value) + "\\fR";
  return out + "\n" + roff(option.help) + (option.many ? "; may be given more than once" : "") + "\n";
}

}  // namespace

std::span<const CommandText> command_texts() {
  return kCommands;
}

std::string command_manual() {
  std::string out =
      ".\\\" SPDX-License-Identifier: MIT\n"
      ".TH ISTHMUS 1 \"\" Isthmus \"User commands\"\n"
      ".SH NAME\nisthmus \\- SIP stack and WebRTC gateway\n"
      ".SH SYNOPSIS\n.B isthmus\n[\\fICOMMAND\\fR] [\\fIOPTION\\fR]...\n"
      ".SH DESCRIPTION\n"
      "Browsers call SIP phones, SIP phones call browsers. Without a command the gateway runs.\n"
      ".SH COMMANDS\n";
  for (const CommandText& command : command_texts()) {
    out += ".SS isthmus " + roff(command.name) + "\n" + roff(command.help) + ".\n";
    for (const OptionText& option : command.options) out += option_line(option);
    out += ".PP\nExample: " + roff("`" + std::string(command.example) + "`") + "\n";
  }
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n.B 0\nall is well; for a running gateway: it was asked to end, and every call was ended\n"
      ".TP\n.B 1\nwhat was asked for is not possible; the standard error says why\n"
      ".TP\n.B 2\nthe command line or the configuration has mistakes\n"
      ".SH SIGNALS\n"
      ".TP\n.B SIGTERM\\fR, \\fBSIGINT\n"
      "end every call, wait until the far sides have answered, and leave; a second one leaves at once\n"
      ".TP\n.B SIGHUP\nread accounts, routes, trunks, secrets, certificates and the rules of the log again;\n"
      "calls are not touched, and a file with a mistake changes nothing\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B ISTHMUS_WEBHOOK_SECRET\nreplaces\n.B webhook.secrets\n;two secrets stand with a comma between them\n"
      ".SH SEE ALSO\n.BR isthmus.toml (5)\n";
  return out;
}

}  // namespace isthmus::gateway
