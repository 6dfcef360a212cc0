/*
 * The word lists of facts: function words by role, spellings of one thing, and groups of words that exclude each other. All of it
 * is written by hand and may be added to; a word's inflections need not be listed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

const struct role_words fact_roles[] = {
	{ ROLE_ARTICLE, "a an the" },
	{ ROLE_NOT, "not no never none nobody nothing nowhere neither nor without unable non nicht kein "
		    "keine keinen keiner ohne nie "
		    "niemals sans jamais sin nunca senza nem geen niet" },
	{ ROLE_WHAT, "what whats was_ist" },
	{ ROLE_WHICH, "which" },
	{ ROLE_HOW, "how hows" },
	{ ROLE_WHY, "why" },
	{ ROLE_WHO, "who whom whose" },
	{ ROLE_WHEN, "when" },
	{ ROLE_WHERE, "where" },
	{ ROLE_BE, "is are was were am be been being" },
	{ ROLE_DO, "do does did done doing" },
	{ ROLE_HAVE, "have has had having" },
	{ ROLE_CAN, "can could may might" },
	{ ROLE_SHOULD, "should ought" },
	{ ROLE_MUST, "must" },
	{ ROLE_WILL, "will would shall" },
	{ ROLE_I, "i me we us myself ourselves im ive" },
	{ ROLE_MY, "my mine our ours" },
	{ ROLE_YOU, "you u yourself" },
	{ ROLE_YOUR, "your yours ur" },
	{ ROLE_IT, "it its itself" },
	{ ROLE_THIS, "this that these those" },
	{ ROLE_THEY, "they them their theirs he she him her his hers" },
	{ ROLE_ONE, "one ones oneself" },
	{ ROLE_TO, "to into onto" },
	{ ROLE_FROM, "from" },
	{ ROLE_THAN, "than" },
	{ ROLE_AND, "and or vs versus" },
	{ ROLE_OF,
	    "of in on at by for with about as under over between among through during against within upon "
	    "via per towards "
	    "toward across behind beyond off out up down around after before since until above below" },
	{ ROLE_MUCH, "much many" },
	{ ROLE_ALSO, "also too then so again else" },
	{ ROLE_POLITE, "please pls plz kindly hi hello hey thanks thank thx dear" },
	{ ROLE_STOP, "if there here some any all every each both such just only very really actually ever "
		     "even still yet already "
		     "quite rather but because while though although whether however get got gets getting "
		     "like more most less least "
		     "own same other another way ways thing things someone something anyone anything "
		     "everyone everything let lets" },
};
const size_t fact_role_count = sizeof(fact_roles) / sizeof(*fact_roles);

const char *const fact_aliases =
    "usa=usa u.s=usa u.s.a=usa america=usa united_states=usa american=usa uk=uk u.k=uk britain=uk "
    "united_kingdom=uk great_britain=uk "
    "british=uk uae=uae emirates=uae us_usd=usd us_dollar=usd dollar=usd bucks=usd euro=eur "
    "sterling=gbp rupee=inr rs=inr "
    "yen=jpy nz=newzealand spring_boot=springboot yuan=cny rmb=cny renminbi=cny ruble=rubl rouble=rubl "
    "lira=tl bitcoin=btc ether=eth "
    "ethereum=eth "
    "franc=chf swiss_franc=chf canadian_dollar=cad australian_dollar=aud js=javascript ts=typescript "
    "py=python golang=golang "
    "cpp=c++ csharp=c# dotnet=.net node=node.js nodejs=node.js reactjs=react react.js=react vuejs=vue "
    "vue.js=vue postgres=postgresql "
    "k8s=kubernetes ml=machinelearning machine_learning=machinelearning ai=artificialintelligence "
    "artificial_intelligence=artificialintelligence yml=yaml htm=html md=markdown excel=xlsx xls=xlsx "
    "e-mail=email mail=email e_mail=email wi_fi=wifi log_in=login log_out=logout sign_in=login "
    "sign_out=logout set_up=setup "
    "los_angeles=losangeles new_york=newyork ny=newyork nyc=newyork san_francisco=sanfrancisco "
    "sf=sanfrancisco new_delhi=delhi "
    "bombay=mumbai bangalore=bengaluru calcutta=kolkata madras=chennai south_korea=southkorea "
    "north_korea=northkorea "
    "south_africa=southafrica saudi_arabia=saudi new_zealand=newzealand hong_kong=hongkong "
    "sri_lanka=srilanka "
    "costa_rica=costarica puerto_rico=puertorico el_salvador=salvador las_vegas=lasvegas san_diego=sandiego "
    "san_jose=sanjose "
    "pc=computer tv=television television=television vs=versus v=versus ok=okay using=use used=use uses=use "
    "men=man women=woman "
    "children=child kids=child kid=child people=person went=go gone=go bought=buy sold=sell sent=send "
    "paid=pay made=make "
    "came=come took=take taken=take gave=give given=give lost=lose won't=will found=find kept=keep "
    "left=leave built=build "
    "wrote=write written=write spoke=speak spoken=speak broke=break broken=break chose=choose chosen=choose "
    "mum=mother mom=mother dad=father daddy=father wives=wife better=better "
    "jan=january feb=february apr=april jun=june jul=july aug=august sept=september sep=september "
    "oct=october nov=november "
    "dec=december mon=monday tue=tuesday tues=tuesday wed=wednesday thu=thursday thur=thursday "
    "thurs=thursday fri=friday "
    "tmrw=tomorrow tmr=tomorrow 2day=today 2morrow=tomorrow nite=night kilogram=kg kilo=kg gram=g "
    "metre=metre meter=metre "
    "whatsapp=whatsapp whats_app=whatsapp facebook=facebook fb=facebook insta=instagram yt=youtube "
    "you_tube=youtube";

/* Ordinary by now, and not yet where assets/common.words comes from. */
const char *const fact_modern = "website web site internet online app application apps blog email laptop "
				"smartphone phone mobile video videos download upload "
				"login password username software hardware computer programming programmer "
				"coding code developer browser database server "
				"server cloud data dataset startup username login wifi bluetooth camera "
				"selfie chat chatbot bot hacker hack hacking spam podcast "
				"streaming stream ebook webpage homepage hashtag tweet meme emoji gamer "
				"gaming vlog vegan gay lesbian transgender feminist feminism "
				"racism racist terrorist terrorism demonetization globalization lifestyle "
				"workout gym yoga pizza burger sushi smoothie movie movies "
				"tv freelance freelancer outsourcing crowdfunding internship resume cv "
				"placement syllabus coaching college university admission "
				"scholarship visa passport backpack airbag airport hotel restaurant acne "
				"pimple dandruff weight abs masturbate masturbation porn sex "
				"sexual penis vagina girlfriend boyfriend crush breakup dating teen teenager "
				"kid kids mom dad guy guys girls okay "
				"account accounts deactivate reset verify verification topup refund payment "
				"cashback atm pin app widget icon menu click browser";

const struct flag_words fact_flags[] = {
	/* Of the groups' words those that are ordinary ones too: without a capital they are perhaps no member. */
	{ WORD_LOOSE, "polish turkey china jordan chile georgia may march bush gate gates sat "
		      "act ant go rust swift ruby perl dart r spring flask rails oracle "
		      "signal slack zoom discord apple amazon canon chrome safari opera visa "
		      "stripe ford galaxy pixel surface kindle puppet chef express soap "
		      "perth nice reading bath bard ripple tether modi rand dong real lao thai "
		      "basic julia scratch delphi pascal earth mercury nit pro con "
		      "messenger mars windows word excel" },
	{ WORD_VAGUE,

	    "explain tell describe give show expand elaborate continue provide detail compare mean example "
	    "go "
	    "summarize rewrite repeat say "
	    "write list shorten simplify clarify rephrase reword translate additional further real world "
	    "application "
	    "know help topic subject "
	    "challenge benefit drawback advantage disadvantage limitation regulation step factor requirement "
	    "option "
	    "alternative difference cost "
	    "price risk implication cause symptom effect reason component part type key main common relevant "
	    "important typical potential possible "
	    "consider method approach process point case way idea problem issue question answer thing "
	    "information "
	    "info context background use "
	    "purpose role work happen take need do make result consequence impact feature characteristic "
	    "property "
	    "strength weakness pro con "
	    "summary conclusion best practice good bad first second third last next previous former latter "
	    "above "
	    "following earlier big small "
	    "biggest major minor different certain specific general practical kind sort stuff bit lot sure "
	    "okay yes "
	    "no nice great correct wrong "
	    "true false right safe dangerous legal expensive cheap hard easy long short simple detailed "
	    "depth word "
	    "sentence paragraph table "
	    "there exist still work effective involve related affect apply compared mention said talk about "
	    "instead" },
	{ WORD_MUTUAL, "compare comparison differ different difference similar similarity same equal between "
		       "distinguish related meet marry plus "
		       "combine mix both" },
	{ WORD_COUNT,
	    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
	    "sixteen seventeen "
	    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand "
	    "million billion trillion lakh "
	    "crore dozen first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
	    "ii iii iv vi vii viii ix xi xii xiii xiv xv xvi" },
	{ WORD_BACK, "previous above former latter aforementioned earlier preceding" },
};
const size_t fact_flag_count = sizeof(fact_flags) / sizeof(*fact_flags);

/* clang-format off */
const struct group fact_groups[] = {
	/* What is asked for in a language, and where on earth. Nations and their adjectives are one sense. */
	{ VETO_LANGUAGE, true, "english / french / german / spanish / italian / portuguese / dutch / swedish / norwegian / danish / finnish / "
		"polish / czech / slovak / hungarian / romanian / bulgarian / greek / turkish / russian / ukrainian / arabic / hebrew / persian "
		"farsi / hindi / urdu / bengali / punjabi / gujarati / marathi / tamil / telugu / kannada / malayalam / chinese / mandarin / "
		"cantonese / japanese / korean / vietnamese / thai / indonesian / malay / tagalog / swahili / latin / esperanto / catalan / "
		"basque / irish / welsh / serbian / croatian / slovenian / albanian / estonian / latvian / lithuanian / icelandic / afrikaans / "
		"nepali / sinhala / burmese / khmer / lao / mongolian / kazakh / uzbek / armenian / georgian / azerbaijani / pashto / kurdish / "
		"sanskrit / yiddish / zulu / xhosa / yoruba / igbo / hausa / amharic / somali" },
	{ VETO_NAME, true, "usa / uk / england english / scotland scottish / wales welsh / ireland irish / france french / germany german / "
		"spain spanish / italy italian / portugal portuguese / netherlands dutch holland / belgium belgian / switzerland swiss / "
		"austria austrian / sweden swedish / norway norwegian / denmark danish / finland finnish / iceland icelandic / poland polish / "
		"czechia czech / slovakia slovak / hungary hungarian / romania romanian / bulgaria bulgarian / greece greek / turkish / "
		"russia russian / ukraine ukrainian / belarus belarusian / serbia serbian / croatia croatian / slovenia slovenian / "
		"bosnia bosnian / albania albanian / estonia estonian / latvia latvian / lithuania lithuanian / cyprus cypriot / malta maltese / "
		"israel israeli / palestine palestinian / lebanon lebanese / syria syrian / jordan jordanian / iraq iraqi / iran iranian / "
		"saudi / uae / qatar qatari / kuwait kuwaiti / oman omani / yemen yemeni / egypt egyptian / libya libyan / tunisia tunisian / "
		"algeria algerian / morocco moroccan / sudan sudanese / ethiopia ethiopian / somalia somali / kenya kenyan / uganda ugandan / "
		"tanzania tanzanian / rwanda rwandan / nigeria nigerian / ghana ghanaian / senegal senegalese / cameroon / congo congolese / "
		"angola angolan / zambia zambian / zimbabwe zimbabwean / namibia namibian / botswana / mozambique / southafrica / "
		"india indian / pakistan pakistani / bangladesh bangladeshi / nepal nepali nepalese / srilanka / bhutan / maldives / "
		"afghanistan afghan / china chinese / japan japanese / southkorea / northkorea / korea korean / taiwan taiwanese / hongkong / "
		"mongolia mongolian / vietnam vietnamese / thailand thai / laos / cambodia cambodian / myanmar burma burmese / "
		"malaysia malaysian / singapore singaporean / indonesia indonesian / philippines filipino philippine / australia australian / "
		"newzealand / canada canadian / mexico mexican / cuba cuban / jamaica jamaican / haiti haitian / guatemala / honduras / "
		"salvador / nicaragua / costarica / panama / colombia colombian / venezuela venezuelan / ecuador / peru peruvian / "
		"bolivia bolivian / chile chilean / argentina argentinian argentine / uruguay / paraguay / brazil brazilian / puertorico / "
		"kazakhstan / uzbekistan / armenia / azerbaijan / georgia / europe european eu / asia asian / africa african" },
	{ VETO_NAME, true, "london / paris / berlin / munich / hamburg / frankfurt / cologne / vienna / zurich / geneva / rome / milan / venice / "
		"florence / naples / madrid / barcelona / lisbon / porto / amsterdam / rotterdam / brussels / copenhagen / stockholm / oslo / "
		"helsinki / warsaw / krakow / prague / budapest / bucharest / sofia / athens / istanbul / ankara / moscow / kiev kyiv / dublin / "
		"edinburgh / glasgow / manchester / liverpool / birmingham / leeds / bristol / oxford / cambridge / newyork / boston / chicago / "
		"losangeles / sanfrancisco / seattle / portland / denver / dallas / houston / austin / miami / atlanta / philadelphia / phoenix / "
		"detroit / minneapolis / lasvegas / sandiego / sanjose / washington / toronto / vancouver / montreal / ottawa / calgary / "
		"mumbai / delhi / bengaluru / chennai / kolkata / hyderabad / pune / ahmedabad / jaipur / lucknow / kanpur / nagpur / indore / "
		"bhopal / patna / chandigarh / goa / kerala / gujarat / punjab / karachi / lahore / islamabad / dhaka / kathmandu / colombo / "
		"beijing / shanghai / shenzhen / guangzhou / tokyo / osaka / kyoto / seoul / busan / taipei / bangkok / hanoi / saigon / jakarta / "
		"bali / manila / sydney / melbourne / brisbane / perth / auckland / cairo / nairobi / lagos / johannesburg / dubai / doha / riyadh / "
		"tehran / baghdad / jerusalem / beirut / rio / lima / bogota / santiago / havana / california / texas / florida / ohio / virginia / "
		"michigan / arizona / oregon / nevada / colorado / utah / alaska / hawaii / illinois / pennsylvania / maryland / massachusetts" },
	{ VETO_NUMBER, true, "usd / eur / gbp pound / inr / jpy / cny / chf / cad / aud / nzd / sgd / hkd / krw / rubl / tl / brl / mxn peso / sek / nok / dkk / "
		"krone / pln zloty / czk / huf / zar rand / aed dirham / sar riyal / thb baht / myr ringgit / idr rupiah / php / vnd dong / pkr / bdt / "
		"btc / eth / ltc litecoin / doge dogecoin / xrp ripple / usdt tether" },

	/* Time. */
	{ VETO_DATE, true, "january / february / march / april / may / june / july / august / september / october / november / december" },
	{ VETO_DATE, true, "monday / tuesday / wednesday / thursday / friday / saturday / sunday / weekend / weekday" },
	{ VETO_DATE, true, "yesterday / tomorrow" },
	{ VETO_DATE, false, "yesterday / tomorrow / today / tonight" },
	{ VETO_DATE, false, "now today currently nowadays / future / past" },
	{ VETO_DATE, false, "next upcoming / last previous" },
	{ VETO_DATE, false, "morning / afternoon / evening / night / noon / midnight" },
	{ VETO_DATE, false, "day daily / week weekly / month monthly / year yearly annual / hour hourly / decade / century" },
	{ VETO_DATE, false, "spring / summer / autumn fall / winter" },

	/* Languages to write programs in, forms to write answers in. */
	{ VETO_CODE, true, "python / java / javascript / typescript / c / c++ / c# / f# / objective-c / golang / rust / ruby / php / perl / swift / "
		"kotlin / scala / haskell / erlang / elixir / clojure / lua / r / matlab / julia / fortran / cobol / pascal / delphi / bash / "
		"powershell / sql / vba / dart / groovy / ocaml / lisp / prolog / assembly / node.js / .net" },
	{ VETO_CODE, true, "react / angular / vue / svelte / jquery / django / flask / rails / laravel / springboot / fastapi / symfony" },
	{ VETO_CODE, true, "mysql / postgresql / sqlite / oracle / mongodb / redis / mariadb / cassandra / dynamodb / elasticsearch / sqlserver" },
	{ VETO_CODE, true, "windows / linux / macos / android / ios / ubuntu / debian / fedora / centos / freebsd / chromeos" },
	{ VETO_CODE, true, "docker / kubernetes / podman / vagrant / ansible / terraform / puppet / chef / jenkins" },
	{ VETO_CODE, true, "numpy / pandas / tensorflow / pytorch / keras / scipy / matplotlib" },
	{ VETO_CODE, true, "http / https / ftp / sftp / ssh / smtp / imap / pop3 / tcp / udp / grpc / graphql / soap" },
	{ VETO_LENGTH, true, "json / xml / yaml / csv / html / markdown / pdf / latex / xlsx / docx / toml / svg / png / jpg jpeg / gif / mp3 / mp4 / wav" },
	{ VETO_LENGTH, false, "table / list bullet / paragraph / sentence / word / essay / poem / haiku / limerick / tweet / email / letter / story / "
		"summary / outline / slide / script / report / page / line" },
	{ VETO_LENGTH, false, "short brief briefly concise concisely / long detail detailed thorough comprehensive depth" },
	{ VETO_LENGTH, false, "haiku / limerick / sonnet" },
	{ VETO_LENGTH, false, "formal / informal casual" },
	{ VETO_LENGTH, false, "uppercase / lowercase" },

	/* Brands and services one takes for another. */
	{ VETO_NAME, true, "iphone / ipad / ipod / macbook / imac / galaxy / pixel / xperia / oneplus / redmi / nokia / blackberry / kindle / xbox / "
		"playstation ps4 ps5 / nintendo / airpods / chromebook / thinkpad / surface" },
	{ VETO_NAME, true, "apple / samsung / google / microsoft / amazon / sony / lg / huawei / xiaomi / lenovo / dell / hp / asus / acer / intel / amd / "
		"nvidia / ibm / motorola / htc / vivo / oppo / panasonic / philips / canon / nikon / bosch / siemens" },
	{ VETO_NAME, true, "facebook / twitter / instagram / whatsapp / telegram / snapchat / tiktok / linkedin / pinterest / reddit / youtube / quora / "
		"tumblr / skype / zoom / slack / discord / messenger / signal / wechat / viber / tinder / netflix / spotify / wikipedia" },
	{ VETO_NAME, true, "gmail / outlook / hotmail / yahoo / icloud / protonmail / aol" },
	{ VETO_NAME, true, "chrome / firefox / safari / opera" },
	{ VETO_NAME, true, "paypal / stripe / venmo / visa / mastercard / amex / paytm / revolut / payoneer / skrill" },
	{ VETO_NAME, true, "uber / lyft / ola / airbnb / ebay / flipkart / walmart / costco / ikea / alibaba" },
	{ VETO_NAME, true, "toyota / honda / ford / bmw / audi / mercedes / volkswagen / tesla / nissan / hyundai / kia / mazda / ferrari / porsche / volvo" },
	{ VETO_NAME, true, "aws / azure / gcp / heroku / digitalocean" },
	{ VETO_NAME, true, "gpt / claude / gemini / llama / mistral / copilot / chatgpt / bard / siri / alexa / cortana" },
	{ VETO_NAME, true, "sat / gre / gmat / toefl / ielts / lsat / mcat / upsc / jee / neet / gate / iit / iim / nit / mba / phd / bsc / msc / btech / mtech" },
	{ VETO_NAME, true, "trump / clinton / obama / biden / putin / modi / bush / kejriwal / gandhi / nehru / hitler / stalin / lincoln / reagan" },
	{ VETO_NAME, true, "islam muslim / christianity christian / hinduism hindu / buddhism buddhist / judaism jew jewish / sikhism sikh / atheism atheist / taoism" },

	/* Things that are one or another. */
	{ VETO_NAME, false, "red / blue / green / yellow / black / white / orange / purple / pink / brown / grey gray / gold / silver" },
	{ VETO_NAME, false, "mercury / venus / earth / mars / jupiter / saturn / uranus / neptune / pluto / moon / sun" },
	{ VETO_NAME, false, "dog puppy / cat kitten / horse / cow / sheep / goat / pig / chicken hen / rabbit / hamster / bird / fish / snake / lion / tiger / "
		"bear / wolf / fox / elephant / monkey / mouse / rat / shark / whale / spider / ant / bee" },
	{ VETO_NAME, false, "football / soccer / basketball / baseball / tennis / cricket / golf / hockey / rugby / volleyball / badminton / chess / boxing" },
	{ VETO_NAME, false, "apple / banana / orange / grape / mango / lemon / strawberry / pineapple / tomato / potato / onion / carrot / rice / wheat / "
		"egg / milk / cheese / butter / beef / pork / fish" },
	{ VETO_NAME, false, "coffee / tea / water / beer / wine / juice / milk / vodka / whisky whiskey" },
	{ VETO_NAME, false, "physics / chemistry / biology / mathematics maths math / history / geography / economics / psychology / philosophy / "
		"sociology / statistics / astronomy / geology / law / medicine" },
	{ VETO_NAME, false, "mechanical / electrical / civil / chemical / electronic / aerospace / biomedical" },
	{ VETO_NAME, false, "piano / guitar / violin / drum / flute / trumpet / saxophone / cello" },
	{ VETO_NAME, false, "head / arm / leg / foot feet / hand / eye / ear / nose / mouth / tooth teeth / chest / stomach / knee / neck / face / "
		"skin / hair / heart / liver / kidney / lung / brain" },
	{ VETO_NAME, false, "gold / silver / copper / iron / aluminium aluminum / zinc / nickel / platinum / oxygen / hydrogen / nitrogen / carbon / "
		"helium / sodium / potassium / calcium / chlorine / sulfur sulphur / phosphorus" },
	{ VETO_NAME, false, "car / bus / train / plane airplane aeroplane / bicycle bike / motorcycle / truck / boat ship / helicopter / taxi" },
	{ VETO_NAME, false, "doctor / lawyer / teacher / engineer / nurse / accountant / dentist / plumber / electrician / pilot / chef" },
	{ VETO_NAME, false, "credit / debit / prepaid" },
	{ VETO_NAME, false, "cash / cheque / card" },
	{ VETO_NAME, false, "bachelor / master / doctorate / diploma" },
	{ VETO_NAME, false, "cell / tissue / organ" },
	{ VETO_NAME, false, "protein / carbohydrate carb / fat / fibre fiber / vitamin" },
	{ VETO_NAME, false, "breakfast / lunch / dinner" },
	{ VETO_NAME, false, "bug / feature" },
	{ VETO_NAME, false, "laptop / desktop / tablet / phone smartphone mobile / printer / camera / television / monitor" },
	{ VETO_NAME, false, "novel / movie film / song / album / game / poem / painting" },
	{ VETO_OPPOSITE, false, "north / south / east / west" },
	{ VETO_OPPOSITE, true, "northern / southern / eastern / western" },
	{ VETO_OPPOSITE, false, "father / mother / son / daughter / brother / sister / husband / wife / uncle / aunt / grandfather / grandmother / nephew / "
		"niece / cousin / boyfriend / girlfriend" },
	{ VETO_OPPOSITE, false, "man male boy guy / woman female girl lady" },
	{ VETO_OPPOSITE, false, "he him his / she her hers" },
	{ VETO_OPPOSITE, false, "king / queen" },

	/* Opposites. */
	{ VETO_OPPOSITE, false, "enable activate on allow permit / disable deactivate off" },
	{ VETO_OPPOSITE, false, "allow permit accept approve grant / forbid prohibit ban deny reject refuse block decline disallow" },
	{ VETO_OPPOSITE, false, "increase raise grow improve gain up / decrease reduce lower shrink decline lose cut drop down" },
	{ VETO_OPPOSITE, false, "maximize maximum max / minimize minimum min" },
	{ VETO_OPPOSITE, false, "buy purchase / sell" },
	{ VETO_OPPOSITE, false, "best better good great / worst worse bad terrible poor" },
	{ VETO_OPPOSITE, false, "more / less fewer" },
	{ VETO_OPPOSITE, false, "most / least" },
	{ VETO_OPPOSITE, false, "before prior / after" },
	{ VETO_OPPOSITE, false, "send / receive" },
	{ VETO_OPPOSITE, false, "import / export" },
	{ VETO_OPPOSITE, false, "upload / download" },
	{ VETO_OPPOSITE, false, "open / close shut closed" },
	{ VETO_OPPOSITE, false, "top_up topup deposit top / withdraw withdrawal" },
	{ VETO_OPPOSITE, false, "start begin launch / stop end finish quit" },
	{ VETO_OPPOSITE, false, "install / uninstall remove" },
	{ VETO_OPPOSITE, false, "add insert append attach create make / remove delete drop detach erase destroy" },
	{ VETO_OPPOSITE, false, "subscribe / unsubscribe cancel" },
	{ VETO_OPPOSITE, false, "lock / unlock" },
	{ VETO_OPPOSITE, false, "encrypt encode / decrypt decode" },
	{ VETO_OPPOSITE, false, "compress zip / decompress unzip extract" },
	{ VETO_OPPOSITE, false, "login / logout" },
	{ VETO_OPPOSITE, false, "connect / disconnect" },
	{ VETO_OPPOSITE, false, "include / exclude" },
	{ VETO_OPPOSITE, false, "hide / show display unhide" },
	{ VETO_OPPOSITE, false, "expand / collapse" },
	{ VETO_OPPOSITE, false, "push / pull" },
	{ VETO_OPPOSITE, false, "lend / borrow" },
	{ VETO_OPPOSITE, false, "teach / learn" },
	{ VETO_OPPOSITE, false, "win / lose" },
	{ VETO_OPPOSITE, false, "love like / hate dislike" },
	{ VETO_OPPOSITE, false, "pass / fail" },
	{ VETO_OPPOSITE, false, "accept / decline" },
	{ VETO_OPPOSITE, false, "hire / fire" },
	{ VETO_OPPOSITE, false, "join enter / leave exit" },
	{ VETO_OPPOSITE, false, "arrive / depart leave" },
	{ VETO_OPPOSITE, false, "save / spend" },
	{ VETO_OPPOSITE, false, "save keep / delete discard" },
	{ VETO_OPPOSITE, false, "attack / defend" },
	{ VETO_OPPOSITE, false, "ask / answer" },
	{ VETO_OPPOSITE, false, "question / answer" },
	{ VETO_OPPOSITE, false, "build / destroy demolish" },
	{ VETO_OPPOSITE, false, "employer / employee" },
	{ VETO_OPPOSITE, false, "interviewer / interviewee" },
	{ VETO_OPPOSITE, false, "landlord / tenant" },
	{ VETO_OPPOSITE, false, "buyer customer / seller" },
	{ VETO_OPPOSITE, false, "teacher / student" },
	{ VETO_OPPOSITE, false, "doctor / patient" },
	{ VETO_OPPOSITE, false, "parent / child" },
	{ VETO_OPPOSITE, false, "client / server" },
	{ VETO_OPPOSITE, false, "frontend / backend" },
	{ VETO_OPPOSITE, false, "front / back rear" },
	{ VETO_OPPOSITE, false, "input / output" },
	{ VETO_OPPOSITE, false, "inbound incoming / outbound outgoing" },
	{ VETO_OPPOSITE, false, "internal / external" },
	{ VETO_OPPOSITE, false, "inside indoor / outside outdoor" },
	{ VETO_OPPOSITE, false, "in / out" },
	{ VETO_OPPOSITE, false, "on / off" },
	{ VETO_OPPOSITE, false, "up / down" },
	{ VETO_OPPOSITE, false, "over above / under below beneath" },
	{ VETO_OPPOSITE, false, "ahead / behind" },
	{ VETO_OPPOSITE, false, "high higher highest tall / low lower lowest short" },
	{ VETO_OPPOSITE, false, "big large huge / small little tiny" },
	{ VETO_OPPOSITE, false, "bigger larger biggest largest / smaller smallest" },
	{ VETO_OPPOSITE, false, "long longer longest / short shorter shortest" },
	{ VETO_OPPOSITE, false, "fast quick quickly rapid / slow slowly" },
	{ VETO_OPPOSITE, false, "faster fastest / slower slowest" },
	{ VETO_OPPOSITE, false, "old older oldest / new newer newest young younger youngest" },
	{ VETO_OPPOSITE, false, "early earlier earliest / late later latest" },
	{ VETO_OPPOSITE, false, "first / last final" },
	{ VETO_OPPOSITE, false, "cheap cheaper cheapest inexpensive affordable / expensive costly pricey" },
	{ VETO_OPPOSITE, false, "rich wealthy / poor" },
	{ VETO_OPPOSITE, false, "strong stronger strongest / weak weaker weakest" },
	{ VETO_OPPOSITE, false, "hot hotter hottest warm / cold colder coldest cool" },
	{ VETO_OPPOSITE, false, "light / dark" },
	{ VETO_OPPOSITE, false, "light lighter / heavy heavier" },
	{ VETO_OPPOSITE, false, "hard harder difficult / easy easier simple" },
	{ VETO_OPPOSITE, false, "hard / soft" },
	{ VETO_OPPOSITE, false, "safe secure / dangerous unsafe risky harmful" },
	{ VETO_OPPOSITE, false, "healthy / unhealthy sick" },
	{ VETO_OPPOSITE, false, "happy / sad unhappy" },
	{ VETO_OPPOSITE, false, "true / false" },
	{ VETO_OPPOSITE, false, "right correct / wrong incorrect" },
	{ VETO_OPPOSITE, false, "left / right" },
	{ VETO_OPPOSITE, false, "positive / negative" },
	{ VETO_OPPOSITE, false, "advantage benefit pro strength merit upside / disadvantage drawback con weakness downside risk" },
	{ VETO_OPPOSITE, false, "similarity similar same / difference different" },
	{ VETO_OPPOSITE, false, "public / private" },
	{ VETO_OPPOSITE, false, "single unmarried / married" },
	{ VETO_OPPOSITE, false, "alive / dead" },
	{ VETO_OPPOSITE, false, "life live / death die" },
	{ VETO_OPPOSITE, false, "birth / death" },
	{ VETO_OPPOSITE, false, "full / empty" },
	{ VETO_OPPOSITE, false, "full-time fulltime / part-time parttime" },
	{ VETO_OPPOSITE, false, "full / partial" },
	{ VETO_OPPOSITE, false, "wet / dry" },
	{ VETO_OPPOSITE, false, "thick / thin" },
	{ VETO_OPPOSITE, false, "fat / thin slim skinny" },
	{ VETO_OPPOSITE, false, "wide broad / narrow" },
	{ VETO_OPPOSITE, false, "deep / shallow" },
	{ VETO_OPPOSITE, false, "clean / dirty" },
	{ VETO_OPPOSITE, false, "whole entire / half / quarter" },
	{ VETO_OPPOSITE, false, "loud noisy / quiet silent" },
	{ VETO_NUMBER, false, "millisecond / second / minute / hour / day / week / month / year / decade / century" },
	{ VETO_OPPOSITE, false, "modern / ancient" },
	{ VETO_OPPOSITE, false, "temporary / permanent" },
	{ VETO_OPPOSITE, false, "static / dynamic" },
	{ VETO_OPPOSITE, false, "manual manually / automatic automatically" },
	{ VETO_OPPOSITE, false, "online / offline" },
	{ VETO_OPPOSITE, false, "free / paid" },
	{ VETO_OPPOSITE, false, "always / sometimes rarely" },
	{ VETO_OPPOSITE, false, "simple / complex complicated" },
	{ VETO_OPPOSITE, false, "major / minor" },
	{ VETO_OPPOSITE, false, "ascending / descending" },
	{ VETO_OPPOSITE, false, "horizontal / vertical" },
	{ VETO_OPPOSITE, false, "serial / parallel" },
	{ VETO_OPPOSITE, false, "synchronous / asynchronous" },
	{ VETO_OPPOSITE, false, "local / global remote" },
	{ VETO_OPPOSITE, false, "local domestic / foreign international" },
	{ VETO_OPPOSITE, false, "odd / even" },
	{ VETO_OPPOSITE, false, "sum add / subtract / multiply / divide" },
	{ VETO_OPPOSITE, false, "addition / subtraction / multiplication / division" },
	{ VETO_OPPOSITE, false, "numerator / denominator" },
	{ VETO_OPPOSITE, false, "prefix / suffix" },
	{ VETO_OPPOSITE, false, "row / column" },
	{ VETO_OPPOSITE, false, "width / height / depth / length" },
	{ VETO_OPPOSITE, false, "mean average / median / mode" },
	{ VETO_OPPOSITE, false, "area / perimeter / volume" },
	{ VETO_OPPOSITE, false, "radius / diameter / circumference" },
	{ VETO_OPPOSITE, false, "acid acidic / base basic alkaline" },
	{ VETO_OPPOSITE, false, "liquid / solid / gas" },
	{ VETO_OPPOSITE, false, "boil / freeze / melt" },
	{ VETO_OPPOSITE, false, "supply / demand" },
	{ VETO_OPPOSITE, false, "income revenue / expense cost" },
	{ VETO_OPPOSITE, false, "asset / liability" },
	{ VETO_OPPOSITE, false, "profit / loss" },
	{ VETO_OPPOSITE, false, "debtor / creditor" },
	{ VETO_OPPOSITE, false, "attract / repel" },
	{ VETO_OPPOSITE, false, "love / hate" },
	{ VETO_OPPOSITE, false, "friend / enemy" },
	{ VETO_OPPOSITE, false, "hero / villain" },
	{ VETO_OPPOSITE, false, "war / peace" },
	{ VETO_OPPOSITE, false, "victory / defeat" },
	{ VETO_OPPOSITE, false, "success succeed / failure fail" },
	{ VETO_OPPOSITE, false, "truth / lie" },
	{ VETO_OPPOSITE, false, "question / answer" },
	{ VETO_OPPOSITE, false, "cause reason / effect consequence" },
	{ VETO_OPPOSITE, false, "theory / practice" },
	{ VETO_OPPOSITE, false, "introvert / extrovert" },
	{ VETO_OPPOSITE, false, "optimist / pessimist" },
	{ VETO_OPPOSITE, false, "liberal / conservative" },
	{ VETO_OPPOSITE, false, "democrat / republican" },
	{ VETO_OPPOSITE, false, "legal / illegal" },
	{ VETO_OPPOSITE, false, "moral / immoral" },
	{ VETO_OPPOSITE, false, "possible / impossible" },
	{ VETO_OPPOSITE, false, "visible / invisible" },
	{ VETO_OPPOSITE, false, "finite / infinite" },
	{ VETO_OPPOSITE, false, "active / passive inactive" },
	{ VETO_OPPOSITE, false, "absolute / relative" },
	{ VETO_OPPOSITE, false, "abstract / concrete" },
	{ VETO_OPPOSITE, false, "primary / secondary" },
	{ VETO_OPPOSITE, false, "natural / artificial" },
	{ VETO_OPPOSITE, false, "domestic / wild" },
	{ VETO_OPPOSITE, false, "raw / cooked" },
	{ VETO_OPPOSITE, false, "give / take" },
	{ VETO_OPPOSITE, false, "forget / remember" },
	{ VETO_OPPOSITE, false, "freeze / unfreeze" },
	{ VETO_OPPOSITE, false, "gain / lose" },
	{ VETO_OPPOSITE, false, "follow / unfollow" },
	{ VETO_OPPOSITE, false, "fix repair / break" },
	{ VETO_OPPOSITE, false, "wake / sleep" },
	{ VETO_OPPOSITE, false, "agree / disagree" },
	{ VETO_OPPOSITE, false, "encourage / discourage" },
	{ VETO_OPPOSITE, false, "prevent avoid stop / cause" },
};
/* clang-format on */
const size_t fact_group_count = sizeof(fact_groups) / sizeof(*fact_groups);
