/* SPDX-License-Identifier: MIT
 *
 * Written by html_entities.py.  2125 names in one string, found by a hash table with linear probing; 106 of them, of
 * at most 6 bytes, are also references without a semicolon, so 2231 in all.
 */
#include "tools/warc2txt/html/html_entities.h"

#include <string.h>

enum { SLOTS = 8192, NAME_LONGEST = 31, LEGACY_LONGEST = 6 };

static const char names[] =
  "AEligAMPAacuteAbreveAcircAcyAfrAgraveAlphaAmacrAndAogonAopfApplyFunctionAringAscrAssignAtildeAumlBackslashBarvBarwedBcyBecauseBernoullis"
  "BetaBfrBopfBreveBscrBumpeqCHcyCOPYCacuteCapCapitalDifferentialDCayleysCcaronCcedilCcircCconintCdotCedillaCenterDotCfrChiCircleDotCircleMinus"
  "CirclePlusCircleTimesClockwiseContourIntegralCloseCurlyDoubleQuoteCloseCurlyQuoteColonColoneCongruentConintContourIntegralCopfCoproduct"
  "CounterClockwiseContourIntegralCrossCscrCupCupCapDDDDotrahdDJcyDScyDZcyDaggerDarrDashvDcaronDcyDelDeltaDfrDiacriticalAcuteDiacriticalDot"
  "DiacriticalDoubleAcuteDiacriticalGraveDiacriticalTildeDiamondDifferentialDDopfDotDotDotDotEqualDoubleContourIntegralDoubleDotDoubleDownArrow"
  "DoubleLeftArrowDoubleLeftRightArrowDoubleLeftTeeDoubleLongLeftArrowDoubleLongLeftRightArrowDoubleLongRightArrowDoubleRightArrowDoubleRightTee"
  "DoubleUpArrowDoubleUpDownArrowDoubleVerticalBarDownArrowDownArrowBarDownArrowUpArrowDownBreveDownLeftRightVectorDownLeftTeeVectorDownLeftVector"
  "DownLeftVectorBarDownRightTeeVectorDownRightVectorDownRightVectorBarDownTeeDownTeeArrowDownarrowDscrDstrokENGETHEacuteEcaronEcircEcy"
  "EdotEfrEgraveElementEmacrEmptySmallSquareEmptyVerySmallSquareEogonEopfEpsilonEqualEqualTildeEquilibriumEscrEsimEtaEumlExistsExponentialE"
  "FcyFfrFilledSmallSquareFilledVerySmallSquareFopfForAllFouriertrfFscrGJcyGTGammaGammadGbreveGcedilGcircGcyGdotGfrGgGopfGreaterEqualGreaterEqualLess"
  "GreaterFullEqualGreaterGreaterGreaterLessGreaterSlantEqualGreaterTildeGscrGtHARDcyHacekHatHcircHfrHilbertSpaceHopfHorizontalLineHscr"
  "HstrokHumpDownHumpHumpEqualIEcyIJligIOcyIacuteIcircIcyIdotIfrIgraveImImacrImaginaryIImpliesIntIntegralIntersectionInvisibleCommaInvisibleTimes"
  "IogonIopfIotaIscrItildeIukcyIumlJcircJcyJfrJopfJscrJsercyJukcyKHcyKJcyKappaKcedilKcyKfrKopfKscrLJcyLTLacuteLambdaLangLaplacetrfLarr"
  "LcaronLcedilLcyLeftAngleBracketLeftArrowLeftArrowBarLeftArrowRightArrowLeftCeilingLeftDoubleBracketLeftDownTeeVectorLeftDownVectorLeftDownVectorBar"
  "LeftFloorLeftRightArrowLeftRightVectorLeftTeeLeftTeeArrowLeftTeeVectorLeftTriangleLeftTriangleBarLeftTriangleEqualLeftUpDownVectorLeftUpTeeVector"
  "LeftUpVectorLeftUpVectorBarLeftVectorLeftVectorBarLeftarrowLeftrightarrowLessEqualGreaterLessFullEqualLessGreaterLessLessLessSlantEqual"
  "LessTildeLfrLlLleftarrowLmidotLongLeftArrowLongLeftRightArrowLongRightArrowLongleftarrowLongleftrightarrowLongrightarrowLopfLowerLeftArrow"
  "LowerRightArrowLscrLshLstrokLtMapMcyMediumSpaceMellintrfMfrMinusPlusMopfMscrMuNJcyNacuteNcaronNcedilNcyNegativeMediumSpaceNegativeThickSpace"
  "NegativeThinSpaceNegativeVeryThinSpaceNestedGreaterGreaterNestedLessLessNewLineNfrNoBreakNonBreakingSpaceNopfNotNotCongruentNotCupCap"
  "NotDoubleVerticalBarNotElementNotEqualNotEqualTildeNotExistsNotGreaterNotGreaterEqualNotGreaterFullEqualNotGreaterGreaterNotGreaterLess"
  "NotGreaterSlantEqualNotGreaterTildeNotHumpDownHumpNotHumpEqualNotLeftTriangleNotLeftTriangleBarNotLeftTriangleEqualNotLessNotLessEqual"
  "NotLessGreaterNotLessLessNotLessSlantEqualNotLessTildeNotNestedGreaterGreaterNotNestedLessLessNotPrecedesNotPrecedesEqualNotPrecedesSlantEqual"
  "NotReverseElementNotRightTriangleNotRightTriangleBarNotRightTriangleEqualNotSquareSubsetNotSquareSubsetEqualNotSquareSupersetNotSquareSupersetEqual"
  "NotSubsetNotSubsetEqualNotSucceedsNotSucceedsEqualNotSucceedsSlantEqualNotSucceedsTildeNotSupersetNotSupersetEqualNotTildeNotTildeEqual"
  "NotTildeFullEqualNotTildeTildeNotVerticalBarNscrNtildeNuOEligOacuteOcircOcyOdblacOfrOgraveOmacrOmegaOmicronOopfOpenCurlyDoubleQuote"
  "OpenCurlyQuoteOrOscrOslashOtildeOtimesOumlOverBarOverBraceOverBracketOverParenthesisPartialDPcyPfrPhiPiPlusMinusPoincareplanePopfPr"
  "PrecedesPrecedesEqualPrecedesSlantEqualPrecedesTildePrimeProductProportionProportionalPscrPsiQUOTQfrQopfQscrRBarrREGRacuteRangRarrRarrtl"
  "RcaronRcedilRcyReReverseElementReverseEquilibriumReverseUpEquilibriumRfrRhoRightAngleBracketRightArrowRightArrowBarRightArrowLeftArrow"
  "RightCeilingRightDoubleBracketRightDownTeeVectorRightDownVectorRightDownVectorBarRightFloorRightTeeRightTeeArrowRightTeeVectorRightTriangle"
  "RightTriangleBarRightTriangleEqualRightUpDownVectorRightUpTeeVectorRightUpVectorRightUpVectorBarRightVectorRightVectorBarRightarrow"
  "RopfRoundImpliesRrightarrowRscrRshRuleDelayedSHCHcySHcySOFTcySacuteScScaronScedilScircScySfrShortDownArrowShortLeftArrowShortRightArrow"
  "ShortUpArrowSigmaSmallCircleSopfSqrtSquareSquareIntersectionSquareSubsetSquareSubsetEqualSquareSupersetSquareSupersetEqualSquareUnion"
  "SscrStarSubSubsetSubsetEqualSucceedsSucceedsEqualSucceedsSlantEqualSucceedsTildeSuchThatSumSupSupersetSupersetEqualSupsetTHORNTRADE"
  "TSHcyTScyTabTauTcaronTcedilTcyTfrThereforeThetaThickSpaceThinSpaceTildeTildeEqualTildeFullEqualTildeTildeTopfTripleDotTscrTstrokUacute"
  "UarrUarrocirUbrcyUbreveUcircUcyUdblacUfrUgraveUmacrUnderBarUnderBraceUnderBracketUnderParenthesisUnionUnionPlusUogonUopfUpArrowUpArrowBar"
  "UpArrowDownArrowUpDownArrowUpEquilibriumUpTeeUpTeeArrowUparrowUpdownarrowUpperLeftArrowUpperRightArrowUpsiUpsilonUringUscrUtildeUuml"
  "VDashVbarVcyVdashVdashlVeeVerbarVertVerticalBarVerticalLineVerticalSeparatorVerticalTildeVeryThinSpaceVfrVopfVscrVvdashWcircWedgeWfr"
  "WopfWscrXfrXiXopfXscrYAcyYIcyYUcyYacuteYcircYcyYfrYopfYscrYumlZHcyZacuteZcaronZcyZdotZeroWidthSpaceZetaZfrZopfZscraacuteabreveacacE"
  "acdacircacuteacyaeligafafragravealefsymalephalphaamacramalgampandandandanddandslopeandvangangeangleangmsdangmsdaaangmsdabangmsdacangmsdad"
  "angmsdaeangmsdafangmsdagangmsdahangrtangrtvbangrtvbdangsphangstangzarraogonaopfapapEapacirapeapidaposapproxapproxeqaringascrastasymp"
  "asympeqatildeaumlawconintawintbNotbackcongbackepsilonbackprimebacksimbacksimeqbarveebarwedbarwedgebbrkbbrktbrkbcongbcybdquobecausbecause"
  "bemptyvbepsibernoubetabethbetweenbfrbigcapbigcircbigcupbigodotbigoplusbigotimesbigsqcupbigstarbigtriangledownbigtriangleupbiguplusbigvee"
  "bigwedgebkarowblacklozengeblacksquareblacktriangleblacktriangledownblacktriangleleftblacktrianglerightblankblk12blk14blk34blockbnebnequiv"
  "bnotbopfbotbottombowtieboxDLboxDRboxDlboxDrboxHboxHDboxHUboxHdboxHuboxULboxURboxUlboxUrboxVboxVHboxVLboxVRboxVhboxVlboxVrboxboxboxdL"
  "boxdRboxdlboxdrboxhboxhDboxhUboxhdboxhuboxminusboxplusboxtimesboxuLboxuRboxulboxurboxvboxvHboxvLboxvRboxvhboxvlboxvrbprimebrevebrvbar"
  "bscrbsemibsimbsimebsolbsolbbsolhsubbullbulletbumpbumpEbumpebumpeqcacutecapcapandcapbrcupcapcapcapcupcapdotcapscaretcaronccapsccaron"
  "ccedilccircccupsccupssmcdotcedilcemptyvcentcenterdotcfrchcycheckcheckmarkchicircirEcirccirceqcirclearrowleftcirclearrowrightcircledR"
  "circledScircledastcircledcirccircleddashcirecirfnintcirmidcirscirclubsclubsuitcoloncolonecoloneqcommacommatcompcompfncomplementcomplexes"
  "congcongdotconintcopfcoprodcopycopysrcrarrcrosscscrcsubcsubecsupcsupectdotcudarrlcudarrrcueprcuesccularrcularrpcupcupbrcapcupcapcupcup"
  "cupdotcuporcupscurarrcurarrmcurlyeqpreccurlyeqsucccurlyveecurlywedgecurrencurvearrowleftcurvearrowrightcuveecuwedcwconintcwintcylcty"
  "dArrdHardaggerdalethdarrdashdashvdbkarowdblacdcarondcyddddaggerddarrddotseqdegdeltademptyvdfishtdfrdharldharrdiamdiamonddiamondsuit"
  "diamsdiedigammadisindivdividedivideontimesdivonxdjcydlcorndlcropdollardopfdotdoteqdoteqdotdotminusdotplusdotsquaredoublebarwedgedownarrow"
  "downdownarrowsdownharpoonleftdownharpoonrightdrbkarowdrcorndrcropdscrdscydsoldstrokdtdotdtridtrifduarrduhardwangledzcydzigrarreDDot"
  "eDoteacuteeasterecaronecirecircecolonecyedoteeefDotefregegraveegsegsdotelelintersellelselsdotemacremptyemptysetemptyvemspemsp13emsp14"
  "engenspeogoneopfepareparsleplusepsiepsilonepsiveqcirceqcoloneqsimeqslantgtreqslantlessequalsequestequivequivDDeqvparslerDoterarrescr"
  "esdotesimetaetheumleuroexclexistexpectationexponentialefallingdotseqfcyfemaleffiligffligfflligffrfiligfjligflatflligfltnsfnoffopfforall"
  "forkforkvfpartintfrac12frac13frac14frac15frac16frac18frac23frac25frac34frac35frac38frac45frac56frac58frac78fraslfrownfscrgEgElgacute"
  "gammagammadgapgbrevegcircgcygdotgegelgeqgeqqgeqslantgesgesccgesdotgesdotogesdotolgeslgeslesgfrggggggimelgjcyglglEglagljgnEgnapgnapprox"
  "gnegneqgneqqgnsimgopfgravegscrgsimgsimegsimlgtgtccgtcirgtdotgtlPargtquestgtrapproxgtrarrgtrdotgtreqlessgtreqqlessgtrlessgtrsimgvertneqq"
  "gvnEhArrhairsphalfhamilthardcyharrharrcirharrwhbarhcircheartsheartsuithellipherconhfrhksearowhkswarowhoarrhomththookleftarrowhookrightarrow"
  "hopfhorbarhscrhslashhstrokhybullhypheniacuteicicircicyiecyiexcliffifrigraveiiiiiintiiintiinfiniiotaijligimacrimageimaglineimagpartimath"
  "imofimpedinincareinfininfintieinodotintintcalintegersintercalintlarhkintprodiocyiogoniopfiotaiprodiquestiscrisinisinEisindotisinsisinsv"
  "isinvititildeiukcyiumljcircjcyjfrjmathjopfjscrjsercyjukcykappakappavkcedilkcykfrkgreenkhcykjcykopfkscrlAarrlArrlAtaillBarrlElEglHar"
  "lacutelaemptyvlagranlambdalanglangdlanglelaplaquolarrlarrblarrbfslarrfslarrhklarrlplarrpllarrsimlarrtllatlataillatelateslbarrlbbrklbrace"
  "lbracklbrkelbrksldlbrkslulcaronlcedillceillcublcyldcaldquoldquorldrdharldrusharldshleleftarrowleftarrowtailleftharpoondownleftharpoonup"
  "leftleftarrowsleftrightarrowleftrightarrowsleftrightharpoonsleftrightsquigarrowleftthreetimeslegleqleqqleqslantleslescclesdotlesdoto"
  "lesdotorlesglesgeslessapproxlessdotlesseqgtrlesseqqgtrlessgtrlesssimlfishtlfloorlfrlglgElhardlharulharullhblkljcyllllarrllcornerllhard"
  "lltrilmidotlmoustlmoustachelnElnaplnapproxlnelneqlneqqlnsimloangloarrlobrklongleftarrowlongleftrightarrowlongmapstolongrightarrowlooparrowleft"
  "looparrowrightloparlopflopluslotimeslowastlowbarlozlozengelozflparlparltlrarrlrcornerlrharlrhardlrmlrtrilsaquolscrlshlsimlsimelsimg"
  "lsqblsquolsquorlstrokltltccltcirltdotlthreeltimesltlarrltquestltrParltriltrieltriflurdsharluruharlvertneqqlvnEmDDotmacrmalemaltmaltese"
  "mapmapstomapstodownmapstoleftmapstoupmarkermcommamcymdashmeasuredanglemfrmhomicromidmidastmidcirmiddotminusminusbminusdminusdumlcpmldr"
  "mnplusmodelsmopfmpmscrmstposmumultimapmumapnGgnGtnGtvnLeftarrownLeftrightarrownLlnLtnLtvnRightarrownVDashnVdashnablanacutenangnapnapE"
  "napidnaposnapproxnaturnaturalnaturalsnbspnbumpnbumpencapncaronncedilncongncongdotncupncyndashneneArrnearhknearrnearrownedotnequivnesear"
  "nesimnexistnexistsnfrngEngengeqngeqqngeqslantngesngsimngtngtrnhArrnharrnhparninisnisdnivnjcynlArrnlEnlarrnldrnlenleftarrownleftrightarrow"
  "nleqnleqqnleqslantnlesnlessnlsimnltnltrinltrienmidnopfnotnotinnotinEnotindotnotinvanotinvbnotinvcnotninotnivanotnivbnotnivcnparnparallel"
  "nparslnpartnpolintnprnprcuenprenprecnpreceqnrArrnrarrnrarrcnrarrwnrightarrownrtrinrtrienscnsccuenscenscrnshortmidnshortparallelnsim"
  "nsimensimeqnsmidnsparnsqsubensqsupensubnsubEnsubensubsetnsubseteqnsubseteqqnsuccnsucceqnsupnsupEnsupensupsetnsupseteqnsupseteqqntgl"
  "ntildentlgntriangleleftntrianglelefteqntrianglerightntrianglerighteqnunumnumeronumspnvDashnvHarrnvapnvdashnvgenvgtnvinfinnvlArrnvle"
  "nvltnvltrienvrArrnvrtrienvsimnwArrnwarhknwarrnwarrownwnearoSoacuteoastocirocircocyodashodblacodivodotodsoldoeligofcirofrogonograveogt"
  "ohbarohmointolarrolcirolcrossolineoltomacromegaomicronomidominusoopfoparoperpoplusororarrordorderorderofordfordmorigoforororslopeorv"
  "oscroslashosolotildeotimesotimesasoumlovbarparparaparallelparsimparslpartpcypercntperiodpermilperppertenkpfrphiphivphmmatphonepipitchfork"
  "pivplanckplanckhplankvplusplusacirplusbpluscirplusdoplusdupluseplusmnplussimplustwopmpointintpopfpoundprprEprapprcuepreprecprecapprox"
  "preccurlyeqpreceqprecnapproxprecneqqprecnsimprecsimprimeprimesprnEprnapprnsimprodprofalarproflineprofsurfpropproptoprsimprurelpscrpsi"
  "puncspqfrqintqopfqprimeqscrquaternionsquatintquestquesteqquotrAarrrArrrAtailrBarrrHarraceracuteradicraemptyvrangrangdrangerangleraquo"
  "rarrrarraprarrbrarrbfsrarrcrarrfsrarrhkrarrlprarrplrarrsimrarrtlrarrwratailratiorationalsrbarrrbbrkrbracerbrackrbrkerbrksldrbrkslurcaron"
  "rcedilrceilrcubrcyrdcardldharrdquordquorrdshrealrealinerealpartrealsrectregrfishtrfloorrfrrhardrharurharulrhorhovrightarrowrightarrowtail"
  "rightharpoondownrightharpoonuprightleftarrowsrightleftharpoonsrightrightarrowsrightsquigarrowrightthreetimesringrisingdotseqrlarrrlhar"
  "rlmrmoustrmoustachernmidroangroarrrobrkroparropfroplusrotimesrparrpargtrppolintrrarrrsaquorscrrshrsqbrsquorsquorrthreertimesrtrirtrie"
  "rtrifrtriltriruluharrxsacutesbquoscscEscapscaronsccuescescedilscircscnEscnapscnsimscpolintscsimscysdotsdotbsdoteseArrsearhksearrsearrow"
  "sectsemiseswarsetminussetmnsextsfrsfrownsharpshchcyshcyshortmidshortparallelshysigmasigmafsigmavsimsimdotsimesimeqsimgsimgEsimlsimlE"
  "simnesimplussimrarrslarrsmallsetminussmashpsmeparslsmidsmilesmtsmtesmtessoftcysolsolbsolbarsopfspadesspadesuitsparsqcapsqcapssqcupsqcups"
  "sqsubsqsubesqsubsetsqsubseteqsqsupsqsupesqsupsetsqsupseteqsqusquaresquarfsqufsrarrsscrssetmnssmilesstarfstarstarfstraightepsilonstraightphi"
  "strnssubsubEsubdotsubesubedotsubmultsubnEsubnesubplussubrarrsubsetsubseteqsubseteqqsubsetneqsubsetneqqsubsimsubsubsubsupsuccsuccapprox"
  "succcurlyeqsucceqsuccnapproxsuccneqqsuccnsimsuccsimsumsungsupsup1sup2sup3supEsupdotsupdsubsupesupedotsuphsolsuphsubsuplarrsupmultsupnE"
  "supnesupplussupsetsupseteqsupseteqqsupsetneqsupsetneqqsupsimsupsubsupsupswArrswarhkswarrswarrowswnwarszligtargettautbrktcarontcedil"
  "tcytdottelrectfrthere4thereforethetathetasymthetavthickapproxthicksimthinspthkapthksimthorntildetimestimesbtimesbartimesdtinttoeatop"
  "topbottopcirtopftopforktosatprimetradetriangletriangledowntrianglelefttrianglelefteqtriangleqtrianglerighttrianglerighteqtridottrie"
  "triminustriplustrisbtritimetrpeziumtscrtscytshcytstroktwixttwoheadleftarrowtwoheadrightarrowuArruHaruacuteuarrubrcyubreveucircucyudarr"
  "udblacudharufishtufrugraveuharluharruhblkulcornulcornerulcropultriumacrumluogonuopfuparrowupdownarrowupharpoonleftupharpoonrightuplus"
  "upsiupsihupsilonupuparrowsurcornurcornerurcropuringurtriuscrutdotutildeutriutrifuuarruumluwanglevArrvBarvBarvvDashvangrtvarepsilonvarkappa"
  "varnothingvarphivarpivarproptovarrvarrhovarsigmavarsubsetneqvarsubsetneqqvarsupsetneqvarsupsetneqqvarthetavartriangleleftvartriangleright"
  "vcyvdashveeveebarveeeqvellipverbarvertvfrvltrivnsubvnsupvopfvpropvrtrivscrvsubnEvsubnevsupnEvsupnevzigzagwcircwedbarwedgewedgeqweierp"
  "wfrwopfwpwrwreathwscrxcapxcircxcupxdtrixfrxhArrxharrxixlArrxlarrxmapxnisxodotxopfxoplusxotimexrArrxrarrxscrxsqcupxuplusxutrixveexwedge"
  "yacuteyacyycircycyyenyfryicyyopfyscryucyyumlzacutezcaronzcyzdotzeetrfzetazfrzhcyzigrarrzopfzscrzwjzwnj";

static const uint16_t name_at[2125 + 1] = {
  0, 5, 8, 14, 20, 25, 28, 31, 37, 42, 47, 50, 55, 59, 72, 77, 81, 87, 93, 97, 106, 110, 116, 119, 126, 136, 140, 143, 147, 152, 156, 162, 166, 170,
  176, 179, 199, 206, 212, 218, 223, 230, 234, 241, 250, 253, 256, 265, 276, 286, 297, 321, 342, 357, 362, 368, 377, 383, 398, 402, 411, 442, 447,
  451, 454, 460, 462, 470, 474, 478, 482, 488, 492, 497, 503, 506, 509, 514, 517, 533, 547, 569, 585, 601, 608, 621, 625, 628, 634, 642, 663, 672,
  687, 702, 722, 735, 754, 778, 798, 814, 828, 841, 858, 875, 884, 896, 912, 921, 940, 957, 971, 988, 1006, 1021, 1039, 1046, 1058, 1067, 1071, 1077,
  1080, 1083, 1089, 1095, 1100, 1103, 1107, 1110, 1116, 1123, 1128, 1144, 1164, 1169, 1173, 1180, 1185, 1195, 1206, 1210, 1214, 1217, 1221, 1227,
  1239, 1242, 1245, 1262, 1283, 1287, 1293, 1303, 1307, 1311, 1313, 1318, 1324, 1330, 1336, 1341, 1344, 1348, 1351, 1353, 1357, 1369, 1385, 1401,
  1415, 1426, 1443, 1455, 1459, 1461, 1467, 1472, 1475, 1480, 1483, 1495, 1499, 1513, 1517, 1523, 1535, 1544, 1548, 1553, 1557, 1563, 1568, 1571,
  1575, 1578, 1584, 1586, 1591, 1601, 1608, 1611, 1619, 1631, 1645, 1659, 1664, 1668, 1672, 1676, 1682, 1687, 1691, 1696, 1699, 1702, 1706, 1710,
  1716, 1721, 1725, 1729, 1734, 1740, 1743, 1746, 1750, 1754, 1758, 1760, 1766, 1772, 1776, 1786, 1790, 1796, 1802, 1805, 1821, 1830, 1842, 1861,
  1872, 1889, 1906, 1920, 1937, 1946, 1960, 1975, 1982, 1994, 2007, 2019, 2034, 2051, 2067, 2082, 2094, 2109, 2119, 2132, 2141, 2155, 2171, 2184,
  2195, 2203, 2217, 2226, 2229, 2231, 2241, 2247, 2260, 2278, 2292, 2305, 2323, 2337, 2341, 2355, 2370, 2374, 2377, 2383, 2385, 2388, 2391, 2402,
  2411, 2414, 2423, 2427, 2431, 2433, 2437, 2443, 2449, 2455, 2458, 2477, 2495, 2512, 2533, 2553, 2567, 2574, 2577, 2584, 2600, 2604, 2607, 2619,
  2628, 2648, 2658, 2666, 2679, 2688, 2698, 2713, 2732, 2749, 2763, 2783, 2798, 2813, 2825, 2840, 2858, 2878, 2885, 2897, 2911, 2922, 2939, 2951,
  2974, 2991, 3002, 3018, 3039, 3056, 3072, 3091, 3112, 3127, 3147, 3164, 3186, 3195, 3209, 3220, 3236, 3257, 3273, 3284, 3300, 3308, 3321, 3338,
  3351, 3365, 3369, 3375, 3377, 3382, 3388, 3393, 3396, 3402, 3405, 3411, 3416, 3421, 3428, 3432, 3452, 3466, 3468, 3472, 3478, 3484, 3490, 3494,
  3501, 3510, 3521, 3536, 3544, 3547, 3550, 3553, 3555, 3564, 3577, 3581, 3583, 3591, 3604, 3622, 3635, 3640, 3647, 3657, 3669, 3673, 3676, 3680,
  3683, 3687, 3691, 3696, 3699, 3705, 3709, 3713, 3719, 3725, 3731, 3734, 3736, 3750, 3768, 3788, 3791, 3794, 3811, 3821, 3834, 3853, 3865, 3883,
  3901, 3916, 3934, 3944, 3952, 3965, 3979, 3992, 4008, 4026, 4043, 4059, 4072, 4088, 4099, 4113, 4123, 4127, 4139, 4150, 4154, 4157, 4168, 4174,
  4178, 4184, 4190, 4192, 4198, 4204, 4209, 4212, 4215, 4229, 4243, 4258, 4270, 4275, 4286, 4290, 4294, 4300, 4318, 4330, 4347, 4361, 4380, 4391,
  4395, 4399, 4402, 4408, 4419, 4427, 4440, 4458, 4471, 4479, 4482, 4485, 4493, 4506, 4512, 4517, 4522, 4527, 4531, 4534, 4537, 4543, 4549, 4552,
  4555, 4564, 4569, 4579, 4588, 4593, 4603, 4617, 4627, 4631, 4640, 4644, 4650, 4656, 4660, 4668, 4673, 4679, 4684, 4687, 4693, 4696, 4702, 4707,
  4715, 4725, 4737, 4753, 4758, 4767, 4772, 4776, 4783, 4793, 4809, 4820, 4833, 4838, 4848, 4855, 4866, 4880, 4895, 4899, 4906, 4911, 4915, 4921,
  4925, 4930, 4934, 4937, 4942, 4948, 4951, 4957, 4961, 4972, 4984, 5001, 5014, 5027, 5030, 5034, 5038, 5044, 5049, 5054, 5057, 5061, 5065, 5068,
  5070, 5074, 5078, 5082, 5086, 5090, 5096, 5101, 5104, 5107, 5111, 5115, 5119, 5123, 5129, 5135, 5138, 5142, 5156, 5160, 5163, 5167, 5171, 5177,
  5183, 5185, 5188, 5191, 5196, 5201, 5204, 5209, 5211, 5214, 5220, 5227, 5232, 5237, 5242, 5247, 5250, 5253, 5259, 5263, 5271, 5275, 5278, 5282,
  5287, 5293, 5301, 5309, 5317, 5325, 5333, 5341, 5349, 5357, 5362, 5369, 5377, 5383, 5388, 5395, 5400, 5404, 5406, 5409, 5415, 5418, 5422, 5426,
  5432, 5440, 5445, 5449, 5452, 5457, 5464, 5470, 5474, 5482, 5487, 5491, 5499, 5510, 5519, 5526, 5535, 5541, 5547, 5555, 5559, 5567, 5572, 5575,
  5580, 5586, 5593, 5600, 5605, 5611, 5615, 5619, 5626, 5629, 5635, 5642, 5648, 5655, 5663, 5672, 5680, 5687, 5702, 5715, 5723, 5729, 5737, 5743,
  5755, 5766, 5779, 5796, 5813, 5831, 5836, 5841, 5846, 5851, 5856, 5859, 5866, 5870, 5874, 5877, 5883, 5889, 5894, 5899, 5904, 5909, 5913, 5918,
  5923, 5928, 5933, 5938, 5943, 5948, 5953, 5957, 5962, 5967, 5972, 5977, 5982, 5987, 5993, 5998, 6003, 6008, 6013, 6017, 6022, 6027, 6032, 6037,
  6045, 6052, 6060, 6065, 6070, 6075, 6080, 6084, 6089, 6094, 6099, 6104, 6109, 6114, 6120, 6125, 6131, 6135, 6140, 6144, 6149, 6153, 6158, 6166,
  6170, 6176, 6180, 6185, 6190, 6196, 6202, 6205, 6211, 6219, 6225, 6231, 6237, 6241, 6246, 6251, 6256, 6262, 6268, 6273, 6278, 6285, 6289, 6294,
  6301, 6305, 6314, 6317, 6321, 6326, 6335, 6338, 6341, 6345, 6349, 6355, 6370, 6386, 6394, 6402, 6412, 6423, 6434, 6438, 6446, 6452, 6459, 6464,
  6472, 6477, 6483, 6490, 6495, 6501, 6505, 6511, 6521, 6530, 6534, 6541, 6547, 6551, 6557, 6561, 6567, 6572, 6577, 6581, 6585, 6590, 6594, 6599,
  6604, 6611, 6618, 6623, 6628, 6634, 6641, 6644, 6652, 6658, 6664, 6670, 6675, 6679, 6685, 6692, 6703, 6714, 6722, 6732, 6738, 6752, 6767, 6772,
  6777, 6785, 6790, 6796, 6800, 6804, 6810, 6816, 6820, 6824, 6829, 6836, 6841, 6847, 6850, 6852, 6859, 6864, 6871, 6874, 6879, 6886, 6892, 6895,
  6900, 6905, 6909, 6916, 6927, 6932, 6935, 6942, 6947, 6950, 6956, 6969, 6975, 6979, 6985, 6991, 6997, 7001, 7004, 7009, 7017, 7025, 7032, 7041,
  7055, 7064, 7078, 7093, 7109, 7117, 7123, 7129, 7133, 7137, 7141, 7147, 7152, 7156, 7161, 7166, 7171, 7178, 7182, 7190, 7195, 7199, 7205, 7211,
  7217, 7221, 7226, 7232, 7235, 7239, 7241, 7246, 7249, 7251, 7257, 7260, 7266, 7268, 7276, 7279, 7282, 7288, 7293, 7298, 7306, 7312, 7316, 7322,
  7328, 7331, 7335, 7340, 7344, 7348, 7354, 7359, 7363, 7370, 7375, 7381, 7388, 7393, 7403, 7414, 7420, 7426, 7431, 7438, 7446, 7451, 7456, 7460,
  7465, 7469, 7472, 7475, 7479, 7483, 7487, 7492, 7503, 7515, 7528, 7531, 7537, 7543, 7548, 7554, 7557, 7562, 7567, 7571, 7576, 7581, 7585, 7589,
  7595, 7599, 7604, 7612, 7618, 7624, 7630, 7636, 7642, 7648, 7654, 7660, 7666, 7672, 7678, 7684, 7690, 7696, 7702, 7707, 7712, 7716, 7718, 7721,
  7727, 7732, 7738, 7741, 7747, 7752, 7755, 7759, 7761, 7764, 7767, 7771, 7779, 7782, 7787, 7793, 7800, 7808, 7812, 7818, 7821, 7823, 7826, 7831,
  7835, 7837, 7840, 7843, 7846, 7849, 7853, 7861, 7864, 7868, 7873, 7878, 7882, 7887, 7891, 7895, 7900, 7905, 7907, 7911, 7916, 7921, 7927, 7934,
  7943, 7949, 7955, 7964, 7974, 7981, 7987, 7996, 8000, 8004, 8010, 8014, 8020, 8026, 8030, 8037, 8042, 8046, 8051, 8057, 8066, 8072, 8078, 8081,
  8089, 8097, 8102, 8108, 8121, 8135, 8139, 8145, 8149, 8155, 8161, 8167, 8173, 8179, 8181, 8186, 8189, 8193, 8198, 8201, 8204, 8210, 8212, 8218,
  8223, 8229, 8234, 8239, 8244, 8249, 8257, 8265, 8270, 8274, 8279, 8281, 8287, 8292, 8300, 8306, 8309, 8315, 8323, 8331, 8339, 8346, 8350, 8355,
  8359, 8363, 8368, 8374, 8378, 8382, 8387, 8394, 8399, 8405, 8410, 8412, 8418, 8423, 8427, 8432, 8435, 8438, 8443, 8447, 8451, 8457, 8462, 8467,
  8473, 8479, 8482, 8485, 8491, 8495, 8499, 8503, 8507, 8512, 8516, 8522, 8527, 8529, 8532, 8536, 8542, 8550, 8556, 8562, 8566, 8571, 8577, 8580,
  8585, 8589, 8594, 8601, 8607, 8613, 8619, 8625, 8632, 8638, 8641, 8647, 8651, 8656, 8661, 8666, 8672, 8678, 8683, 8690, 8697, 8703, 8709, 8714,
  8718, 8721, 8725, 8730, 8736, 8743, 8751, 8755, 8757, 8766, 8779, 8794, 8807, 8821, 8835, 8850, 8867, 8886, 8900, 8903, 8906, 8910, 8918, 8921,
  8926, 8932, 8939, 8947, 8951, 8957, 8967, 8974, 8983, 8993, 9000, 9007, 9013, 9019, 9022, 9024, 9027, 9032, 9037, 9043, 9048, 9052, 9054, 9059,
  9067, 9073, 9078, 9084, 9090, 9100, 9103, 9107, 9115, 9118, 9122, 9127, 9132, 9137, 9142, 9147, 9160, 9178, 9188, 9202, 9215, 9229, 9234, 9238,
  9244, 9251, 9257, 9263, 9266, 9273, 9277, 9281, 9287, 9292, 9300, 9305, 9311, 9314, 9319, 9325, 9329, 9332, 9336, 9341, 9346, 9350, 9355, 9361,
  9367, 9369, 9373, 9378, 9383, 9389, 9395, 9401, 9408, 9414, 9418, 9423, 9428, 9436, 9443, 9452, 9456, 9461, 9465, 9469, 9473, 9480, 9483, 9489,
  9499, 9509, 9517, 9523, 9529, 9532, 9537, 9550, 9553, 9556, 9561, 9564, 9570, 9576, 9582, 9587, 9593, 9599, 9606, 9610, 9614, 9620, 9626, 9630,
  9632, 9636, 9642, 9644, 9652, 9657, 9660, 9663, 9667, 9677, 9692, 9695, 9698, 9702, 9713, 9719, 9725, 9730, 9736, 9740, 9743, 9747, 9752, 9757,
  9764, 9769, 9776, 9784, 9788, 9793, 9799, 9803, 9809, 9815, 9820, 9828, 9832, 9835, 9840, 9842, 9847, 9853, 9858, 9865, 9870, 9876, 9882, 9887,
  9893, 9900, 9903, 9906, 9909, 9913, 9918, 9927, 9931, 9936, 9939, 9943, 9948, 9953, 9958, 9960, 9963, 9967, 9970, 9974, 9979, 9982, 9987, 9991,
  9994, 10004, 10019, 10023, 10028, 10037, 10041, 10046, 10051, 10054, 10059, 10065, 10069, 10073, 10076, 10081, 10087, 10095, 10102, 10109, 10116,
  10121, 10128, 10135, 10142, 10146, 10155, 10161, 10166, 10173, 10176, 10182, 10186, 10191, 10198, 10203, 10208, 10214, 10220, 10231, 10236, 10242,
  10245, 10251, 10255, 10259, 10268, 10282, 10286, 10291, 10297, 10302, 10307, 10314, 10321, 10325, 10330, 10335, 10342, 10351, 10361, 10366, 10373,
  10377, 10382, 10387, 10394, 10403, 10413, 10417, 10423, 10427, 10440, 10455, 10469, 10485, 10487, 10490, 10496, 10501, 10507, 10513, 10517, 10523,
  10527, 10531, 10538, 10544, 10548, 10552, 10559, 10565, 10572, 10577, 10582, 10588, 10593, 10600, 10606, 10608, 10614, 10618, 10622, 10627, 10630,
  10635, 10641, 10645, 10649, 10655, 10660, 10665, 10668, 10672, 10678, 10681, 10686, 10689, 10693, 10698, 10703, 10710, 10715, 10718, 10723, 10728,
  10735, 10739, 10745, 10749, 10753, 10758, 10763, 10765, 10770, 10773, 10778, 10785, 10789, 10793, 10799, 10803, 10810, 10813, 10817, 10823, 10827,
  10833, 10839, 10847, 10851, 10856, 10859, 10863, 10871, 10877, 10882, 10886, 10889, 10895, 10901, 10907, 10911, 10918, 10921, 10924, 10928, 10934,
  10939, 10941, 10950, 10953, 10959, 10966, 10972, 10976, 10984, 10989, 10996, 11002, 11008, 11013, 11019, 11026, 11033, 11035, 11043, 11047, 11052,
  11054, 11057, 11061, 11066, 11069, 11073, 11083, 11094, 11100, 11111, 11119, 11127, 11134, 11139, 11145, 11149, 11154, 11160, 11164, 11172, 11180,
  11188, 11192, 11198, 11203, 11209, 11213, 11216, 11222, 11225, 11229, 11233, 11239, 11243, 11254, 11261, 11266, 11273, 11277, 11282, 11286, 11292,
  11297, 11301, 11305, 11311, 11316, 11324, 11328, 11333, 11338, 11344, 11349, 11353, 11359, 11364, 11371, 11376, 11382, 11388, 11394, 11400, 11407,
  11413, 11418, 11424, 11429, 11438, 11443, 11448, 11454, 11460, 11465, 11472, 11479, 11485, 11491, 11496, 11500, 11503, 11507, 11514, 11519, 11525,
  11529, 11533, 11540, 11548, 11553, 11557, 11560, 11566, 11572, 11575, 11580, 11585, 11591, 11594, 11598, 11608, 11622, 11638, 11652, 11667, 11684,
  11700, 11715, 11730, 11734, 11746, 11751, 11756, 11759, 11765, 11775, 11780, 11785, 11790, 11795, 11800, 11804, 11810, 11817, 11821, 11827, 11835,
  11840, 11846, 11850, 11853, 11857, 11862, 11868, 11874, 11880, 11884, 11889, 11894, 11902, 11909, 11911, 11917, 11922, 11924, 11927, 11931, 11937,
  11942, 11945, 11951, 11956, 11960, 11965, 11971, 11979, 11984, 11987, 11991, 11996, 12001, 12006, 12012, 12017, 12024, 12028, 12032, 12038, 12046,
  12051, 12055, 12058, 12064, 12069, 12075, 12079, 12087, 12100, 12103, 12108, 12114, 12120, 12123, 12129, 12133, 12138, 12142, 12147, 12151, 12156,
  12161, 12168, 12175, 12180, 12193, 12199, 12207, 12211, 12216, 12219, 12223, 12228, 12234, 12237, 12241, 12247, 12251, 12257, 12266, 12270, 12275,
  12281, 12286, 12292, 12297, 12303, 12311, 12321, 12326, 12332, 12340, 12350, 12353, 12359, 12365, 12369, 12374, 12378, 12384, 12390, 12396, 12400,
  12405, 12420, 12431, 12436, 12439, 12443, 12449, 12453, 12460, 12467, 12472, 12477, 12484, 12491, 12497, 12505, 12514, 12523, 12533, 12539, 12545,
  12551, 12555, 12565, 12576, 12582, 12593, 12601, 12609, 12616, 12619, 12623, 12626, 12630, 12634, 12638, 12642, 12648, 12655, 12659, 12666, 12673,
  12680, 12687, 12694, 12699, 12704, 12711, 12717, 12725, 12734, 12743, 12753, 12759, 12765, 12771, 12776, 12782, 12787, 12794, 12800, 12805, 12811,
  12814, 12818, 12824, 12830, 12833, 12837, 12843, 12846, 12852, 12861, 12866, 12874, 12880, 12891, 12899, 12905, 12910, 12916, 12921, 12926, 12931,
  12937, 12945, 12951, 12955, 12959, 12962, 12968, 12974, 12978, 12985, 12989, 12995, 13000, 13008, 13020, 13032, 13046, 13055, 13068, 13083, 13089,
  13093, 13101, 13108, 13113, 13120, 13128, 13132, 13136, 13141, 13147, 13152, 13168, 13185, 13189, 13193, 13199, 13203, 13208, 13214, 13219, 13222,
  13227, 13233, 13238, 13244, 13247, 13253, 13258, 13263, 13268, 13274, 13282, 13288, 13293, 13298, 13301, 13306, 13310, 13317, 13328, 13341, 13355,
  13360, 13364, 13369, 13376, 13386, 13392, 13400, 13406, 13411, 13416, 13420, 13425, 13431, 13435, 13440, 13445, 13449, 13456, 13460, 13464, 13469,
  13474, 13480, 13490, 13498, 13508, 13514, 13519, 13528, 13532, 13538, 13546, 13558, 13571, 13583, 13596, 13604, 13619, 13635, 13638, 13643, 13646,
  13652, 13657, 13663, 13669, 13673, 13676, 13681, 13686, 13691, 13695, 13700, 13705, 13709, 13715, 13721, 13727, 13733, 13740, 13745, 13751, 13756,
  13762, 13768, 13771, 13775, 13777, 13779, 13785, 13789, 13793, 13798, 13802, 13807, 13810, 13815, 13820, 13822, 13827, 13832, 13836, 13840, 13845,
  13849, 13855, 13861, 13866, 13871, 13875, 13881, 13887, 13892, 13896, 13902, 13908, 13912, 13917, 13920, 13923, 13926, 13930, 13934, 13938, 13942,
  13946, 13952, 13958, 13961, 13965, 13971, 13975, 13978, 13982, 13989, 13993, 13997, 14000, 14004,
};

static const struct {
  uint8_t len, legacy;
  char text[6];
} values[2125] = {
  {2, 1, "\303\206"}, {1, 1, "&"}, {2, 1, "\303\201"}, {2, 0, "\304\202"}, {2, 1, "\303\202"}, {2, 0, "\320\220"}, {4, 0, "\360\235\224\204"},
  {2, 1, "\303\200"}, {2, 0, "\316\221"}, {2, 0, "\304\200"}, {3, 0, "\342\251\223"}, {2, 0, "\304\204"}, {4, 0, "\360\235\224\270"},
  {3, 0, "\342\201\241"}, {2, 1, "\303\205"}, {4, 0, "\360\235\222\234"}, {3, 0, "\342\211\224"}, {2, 1, "\303\203"}, {2, 1, "\303\204"},
  {3, 0, "\342\210\226"}, {3, 0, "\342\253\247"}, {3, 0, "\342\214\206"}, {2, 0, "\320\221"}, {3, 0, "\342\210\265"}, {3, 0, "\342\204\254"},
  {2, 0, "\316\222"}, {4, 0, "\360\235\224\205"}, {4, 0, "\360\235\224\271"}, {2, 0, "\313\230"}, {3, 0, "\342\204\254"}, {3, 0, "\342\211\216"},
  {2, 0, "\320\247"}, {2, 1, "\302\251"}, {2, 0, "\304\206"}, {3, 0, "\342\213\222"}, {3, 0, "\342\205\205"}, {3, 0, "\342\204\255"},
  {2, 0, "\304\214"}, {2, 1, "\303\207"}, {2, 0, "\304\210"}, {3, 0, "\342\210\260"}, {2, 0, "\304\212"}, {2, 0, "\302\270"}, {2, 0, "\302\267"},
  {3, 0, "\342\204\255"}, {2, 0, "\316\247"}, {3, 0, "\342\212\231"}, {3, 0, "\342\212\226"}, {3, 0, "\342\212\225"}, {3, 0, "\342\212\227"},
  {3, 0, "\342\210\262"}, {3, 0, "\342\200\235"}, {3, 0, "\342\200\231"}, {3, 0, "\342\210\267"}, {3, 0, "\342\251\264"}, {3, 0, "\342\211\241"},
  {3, 0, "\342\210\257"}, {3, 0, "\342\210\256"}, {3, 0, "\342\204\202"}, {3, 0, "\342\210\220"}, {3, 0, "\342\210\263"}, {3, 0, "\342\250\257"},
  {4, 0, "\360\235\222\236"}, {3, 0, "\342\213\223"}, {3, 0, "\342\211\215"}, {3, 0, "\342\205\205"}, {3, 0, "\342\244\221"}, {2, 0, "\320\202"},
  {2, 0, "\320\205"}, {2, 0, "\320\217"}, {3, 0, "\342\200\241"}, {3, 0, "\342\206\241"}, {3, 0, "\342\253\244"}, {2, 0, "\304\216"},
  {2, 0, "\320\224"}, {3, 0, "\342\210\207"}, {2, 0, "\316\224"}, {4, 0, "\360\235\224\207"}, {2, 0, "\302\264"}, {2, 0, "\313\231"},
  {2, 0, "\313\235"}, {1, 0, "`"}, {2, 0, "\313\234"}, {3, 0, "\342\213\204"}, {3, 0, "\342\205\206"}, {4, 0, "\360\235\224\273"},
  {2, 0, "\302\250"}, {3, 0, "\342\203\234"}, {3, 0, "\342\211\220"}, {3, 0, "\342\210\257"}, {2, 0, "\302\250"}, {3, 0, "\342\207\223"},
  {3, 0, "\342\207\220"}, {3, 0, "\342\207\224"}, {3, 0, "\342\253\244"}, {3, 0, "\342\237\270"}, {3, 0, "\342\237\272"}, {3, 0, "\342\237\271"},
  {3, 0, "\342\207\222"}, {3, 0, "\342\212\250"}, {3, 0, "\342\207\221"}, {3, 0, "\342\207\225"}, {3, 0, "\342\210\245"}, {3, 0, "\342\206\223"},
  {3, 0, "\342\244\223"}, {3, 0, "\342\207\265"}, {2, 0, "\314\221"}, {3, 0, "\342\245\220"}, {3, 0, "\342\245\236"}, {3, 0, "\342\206\275"},
  {3, 0, "\342\245\226"}, {3, 0, "\342\245\237"}, {3, 0, "\342\207\201"}, {3, 0, "\342\245\227"}, {3, 0, "\342\212\244"}, {3, 0, "\342\206\247"},
  {3, 0, "\342\207\223"}, {4, 0, "\360\235\222\237"}, {2, 0, "\304\220"}, {2, 0, "\305\212"}, {2, 1, "\303\220"}, {2, 1, "\303\211"},
  {2, 0, "\304\232"}, {2, 1, "\303\212"}, {2, 0, "\320\255"}, {2, 0, "\304\226"}, {4, 0, "\360\235\224\210"}, {2, 1, "\303\210"},
  {3, 0, "\342\210\210"}, {2, 0, "\304\222"}, {3, 0, "\342\227\273"}, {3, 0, "\342\226\253"}, {2, 0, "\304\230"}, {4, 0, "\360\235\224\274"},
  {2, 0, "\316\225"}, {3, 0, "\342\251\265"}, {3, 0, "\342\211\202"}, {3, 0, "\342\207\214"}, {3, 0, "\342\204\260"}, {3, 0, "\342\251\263"},
  {2, 0, "\316\227"}, {2, 1, "\303\213"}, {3, 0, "\342\210\203"}, {3, 0, "\342\205\207"}, {2, 0, "\320\244"}, {4, 0, "\360\235\224\211"},
  {3, 0, "\342\227\274"}, {3, 0, "\342\226\252"}, {4, 0, "\360\235\224\275"}, {3, 0, "\342\210\200"}, {3, 0, "\342\204\261"}, {3, 0, "\342\204\261"},
  {2, 0, "\320\203"}, {1, 1, ">"}, {2, 0, "\316\223"}, {2, 0, "\317\234"}, {2, 0, "\304\236"}, {2, 0, "\304\242"}, {2, 0, "\304\234"},
  {2, 0, "\320\223"}, {2, 0, "\304\240"}, {4, 0, "\360\235\224\212"}, {3, 0, "\342\213\231"}, {4, 0, "\360\235\224\276"}, {3, 0, "\342\211\245"},
  {3, 0, "\342\213\233"}, {3, 0, "\342\211\247"}, {3, 0, "\342\252\242"}, {3, 0, "\342\211\267"}, {3, 0, "\342\251\276"}, {3, 0, "\342\211\263"},
  {4, 0, "\360\235\222\242"}, {3, 0, "\342\211\253"}, {2, 0, "\320\252"}, {2, 0, "\313\207"}, {1, 0, "^"}, {2, 0, "\304\244"},
  {3, 0, "\342\204\214"}, {3, 0, "\342\204\213"}, {3, 0, "\342\204\215"}, {3, 0, "\342\224\200"}, {3, 0, "\342\204\213"}, {2, 0, "\304\246"},
  {3, 0, "\342\211\216"}, {3, 0, "\342\211\217"}, {2, 0, "\320\225"}, {2, 0, "\304\262"}, {2, 0, "\320\201"}, {2, 1, "\303\215"}, {2, 1, "\303\216"},
  {2, 0, "\320\230"}, {2, 0, "\304\260"}, {3, 0, "\342\204\221"}, {2, 1, "\303\214"}, {3, 0, "\342\204\221"}, {2, 0, "\304\252"},
  {3, 0, "\342\205\210"}, {3, 0, "\342\207\222"}, {3, 0, "\342\210\254"}, {3, 0, "\342\210\253"}, {3, 0, "\342\213\202"}, {3, 0, "\342\201\243"},
  {3, 0, "\342\201\242"}, {2, 0, "\304\256"}, {4, 0, "\360\235\225\200"}, {2, 0, "\316\231"}, {3, 0, "\342\204\220"}, {2, 0, "\304\250"},
  {2, 0, "\320\206"}, {2, 1, "\303\217"}, {2, 0, "\304\264"}, {2, 0, "\320\231"}, {4, 0, "\360\235\224\215"}, {4, 0, "\360\235\225\201"},
  {4, 0, "\360\235\222\245"}, {2, 0, "\320\210"}, {2, 0, "\320\204"}, {2, 0, "\320\245"}, {2, 0, "\320\214"}, {2, 0, "\316\232"}, {2, 0, "\304\266"},
  {2, 0, "\320\232"}, {4, 0, "\360\235\224\216"}, {4, 0, "\360\235\225\202"}, {4, 0, "\360\235\222\246"}, {2, 0, "\320\211"}, {1, 1, "<"},
  {2, 0, "\304\271"}, {2, 0, "\316\233"}, {3, 0, "\342\237\252"}, {3, 0, "\342\204\222"}, {3, 0, "\342\206\236"}, {2, 0, "\304\275"},
  {2, 0, "\304\273"}, {2, 0, "\320\233"}, {3, 0, "\342\237\250"}, {3, 0, "\342\206\220"}, {3, 0, "\342\207\244"}, {3, 0, "\342\207\206"},
  {3, 0, "\342\214\210"}, {3, 0, "\342\237\246"}, {3, 0, "\342\245\241"}, {3, 0, "\342\207\203"}, {3, 0, "\342\245\231"}, {3, 0, "\342\214\212"},
  {3, 0, "\342\206\224"}, {3, 0, "\342\245\216"}, {3, 0, "\342\212\243"}, {3, 0, "\342\206\244"}, {3, 0, "\342\245\232"}, {3, 0, "\342\212\262"},
  {3, 0, "\342\247\217"}, {3, 0, "\342\212\264"}, {3, 0, "\342\245\221"}, {3, 0, "\342\245\240"}, {3, 0, "\342\206\277"}, {3, 0, "\342\245\230"},
  {3, 0, "\342\206\274"}, {3, 0, "\342\245\222"}, {3, 0, "\342\207\220"}, {3, 0, "\342\207\224"}, {3, 0, "\342\213\232"}, {3, 0, "\342\211\246"},
  {3, 0, "\342\211\266"}, {3, 0, "\342\252\241"}, {3, 0, "\342\251\275"}, {3, 0, "\342\211\262"}, {4, 0, "\360\235\224\217"}, {3, 0, "\342\213\230"},
  {3, 0, "\342\207\232"}, {2, 0, "\304\277"}, {3, 0, "\342\237\265"}, {3, 0, "\342\237\267"}, {3, 0, "\342\237\266"}, {3, 0, "\342\237\270"},
  {3, 0, "\342\237\272"}, {3, 0, "\342\237\271"}, {4, 0, "\360\235\225\203"}, {3, 0, "\342\206\231"}, {3, 0, "\342\206\230"}, {3, 0, "\342\204\222"},
  {3, 0, "\342\206\260"}, {2, 0, "\305\201"}, {3, 0, "\342\211\252"}, {3, 0, "\342\244\205"}, {2, 0, "\320\234"}, {3, 0, "\342\201\237"},
  {3, 0, "\342\204\263"}, {4, 0, "\360\235\224\220"}, {3, 0, "\342\210\223"}, {4, 0, "\360\235\225\204"}, {3, 0, "\342\204\263"}, {2, 0, "\316\234"},
  {2, 0, "\320\212"}, {2, 0, "\305\203"}, {2, 0, "\305\207"}, {2, 0, "\305\205"}, {2, 0, "\320\235"}, {3, 0, "\342\200\213"}, {3, 0, "\342\200\213"},
  {3, 0, "\342\200\213"}, {3, 0, "\342\200\213"}, {3, 0, "\342\211\253"}, {3, 0, "\342\211\252"}, {1, 0, "\012"}, {4, 0, "\360\235\224\221"},
  {3, 0, "\342\201\240"}, {2, 0, "\302\240"}, {3, 0, "\342\204\225"}, {3, 0, "\342\253\254"}, {3, 0, "\342\211\242"}, {3, 0, "\342\211\255"},
  {3, 0, "\342\210\246"}, {3, 0, "\342\210\211"}, {3, 0, "\342\211\240"}, {5, 0, "\342\211\202\314\270"}, {3, 0, "\342\210\204"},
  {3, 0, "\342\211\257"}, {3, 0, "\342\211\261"}, {5, 0, "\342\211\247\314\270"}, {5, 0, "\342\211\253\314\270"}, {3, 0, "\342\211\271"},
  {5, 0, "\342\251\276\314\270"}, {3, 0, "\342\211\265"}, {5, 0, "\342\211\216\314\270"}, {5, 0, "\342\211\217\314\270"}, {3, 0, "\342\213\252"},
  {5, 0, "\342\247\217\314\270"}, {3, 0, "\342\213\254"}, {3, 0, "\342\211\256"}, {3, 0, "\342\211\260"}, {3, 0, "\342\211\270"},
  {5, 0, "\342\211\252\314\270"}, {5, 0, "\342\251\275\314\270"}, {3, 0, "\342\211\264"}, {5, 0, "\342\252\242\314\270"},
  {5, 0, "\342\252\241\314\270"}, {3, 0, "\342\212\200"}, {5, 0, "\342\252\257\314\270"}, {3, 0, "\342\213\240"}, {3, 0, "\342\210\214"},
  {3, 0, "\342\213\253"}, {5, 0, "\342\247\220\314\270"}, {3, 0, "\342\213\255"}, {5, 0, "\342\212\217\314\270"}, {3, 0, "\342\213\242"},
  {5, 0, "\342\212\220\314\270"}, {3, 0, "\342\213\243"}, {6, 0, "\342\212\202\342\203\222"}, {3, 0, "\342\212\210"}, {3, 0, "\342\212\201"},
  {5, 0, "\342\252\260\314\270"}, {3, 0, "\342\213\241"}, {5, 0, "\342\211\277\314\270"}, {6, 0, "\342\212\203\342\203\222"}, {3, 0, "\342\212\211"},
  {3, 0, "\342\211\201"}, {3, 0, "\342\211\204"}, {3, 0, "\342\211\207"}, {3, 0, "\342\211\211"}, {3, 0, "\342\210\244"}, {4, 0, "\360\235\222\251"},
  {2, 1, "\303\221"}, {2, 0, "\316\235"}, {2, 0, "\305\222"}, {2, 1, "\303\223"}, {2, 1, "\303\224"}, {2, 0, "\320\236"}, {2, 0, "\305\220"},
  {4, 0, "\360\235\224\222"}, {2, 1, "\303\222"}, {2, 0, "\305\214"}, {2, 0, "\316\251"}, {2, 0, "\316\237"}, {4, 0, "\360\235\225\206"},
  {3, 0, "\342\200\234"}, {3, 0, "\342\200\230"}, {3, 0, "\342\251\224"}, {4, 0, "\360\235\222\252"}, {2, 1, "\303\230"}, {2, 1, "\303\225"},
  {3, 0, "\342\250\267"}, {2, 1, "\303\226"}, {3, 0, "\342\200\276"}, {3, 0, "\342\217\236"}, {3, 0, "\342\216\264"}, {3, 0, "\342\217\234"},
  {3, 0, "\342\210\202"}, {2, 0, "\320\237"}, {4, 0, "\360\235\224\223"}, {2, 0, "\316\246"}, {2, 0, "\316\240"}, {2, 0, "\302\261"},
  {3, 0, "\342\204\214"}, {3, 0, "\342\204\231"}, {3, 0, "\342\252\273"}, {3, 0, "\342\211\272"}, {3, 0, "\342\252\257"}, {3, 0, "\342\211\274"},
  {3, 0, "\342\211\276"}, {3, 0, "\342\200\263"}, {3, 0, "\342\210\217"}, {3, 0, "\342\210\267"}, {3, 0, "\342\210\235"}, {4, 0, "\360\235\222\253"},
  {2, 0, "\316\250"}, {1, 1, "\042"}, {4, 0, "\360\235\224\224"}, {3, 0, "\342\204\232"}, {4, 0, "\360\235\222\254"}, {3, 0, "\342\244\220"},
  {2, 1, "\302\256"}, {2, 0, "\305\224"}, {3, 0, "\342\237\253"}, {3, 0, "\342\206\240"}, {3, 0, "\342\244\226"}, {2, 0, "\305\230"},
  {2, 0, "\305\226"}, {2, 0, "\320\240"}, {3, 0, "\342\204\234"}, {3, 0, "\342\210\213"}, {3, 0, "\342\207\213"}, {3, 0, "\342\245\257"},
  {3, 0, "\342\204\234"}, {2, 0, "\316\241"}, {3, 0, "\342\237\251"}, {3, 0, "\342\206\222"}, {3, 0, "\342\207\245"}, {3, 0, "\342\207\204"},
  {3, 0, "\342\214\211"}, {3, 0, "\342\237\247"}, {3, 0, "\342\245\235"}, {3, 0, "\342\207\202"}, {3, 0, "\342\245\225"}, {3, 0, "\342\214\213"},
  {3, 0, "\342\212\242"}, {3, 0, "\342\206\246"}, {3, 0, "\342\245\233"}, {3, 0, "\342\212\263"}, {3, 0, "\342\247\220"}, {3, 0, "\342\212\265"},
  {3, 0, "\342\245\217"}, {3, 0, "\342\245\234"}, {3, 0, "\342\206\276"}, {3, 0, "\342\245\224"}, {3, 0, "\342\207\200"}, {3, 0, "\342\245\223"},
  {3, 0, "\342\207\222"}, {3, 0, "\342\204\235"}, {3, 0, "\342\245\260"}, {3, 0, "\342\207\233"}, {3, 0, "\342\204\233"}, {3, 0, "\342\206\261"},
  {3, 0, "\342\247\264"}, {2, 0, "\320\251"}, {2, 0, "\320\250"}, {2, 0, "\320\254"}, {2, 0, "\305\232"}, {3, 0, "\342\252\274"}, {2, 0, "\305\240"},
  {2, 0, "\305\236"}, {2, 0, "\305\234"}, {2, 0, "\320\241"}, {4, 0, "\360\235\224\226"}, {3, 0, "\342\206\223"}, {3, 0, "\342\206\220"},
  {3, 0, "\342\206\222"}, {3, 0, "\342\206\221"}, {2, 0, "\316\243"}, {3, 0, "\342\210\230"}, {4, 0, "\360\235\225\212"}, {3, 0, "\342\210\232"},
  {3, 0, "\342\226\241"}, {3, 0, "\342\212\223"}, {3, 0, "\342\212\217"}, {3, 0, "\342\212\221"}, {3, 0, "\342\212\220"}, {3, 0, "\342\212\222"},
  {3, 0, "\342\212\224"}, {4, 0, "\360\235\222\256"}, {3, 0, "\342\213\206"}, {3, 0, "\342\213\220"}, {3, 0, "\342\213\220"}, {3, 0, "\342\212\206"},
  {3, 0, "\342\211\273"}, {3, 0, "\342\252\260"}, {3, 0, "\342\211\275"}, {3, 0, "\342\211\277"}, {3, 0, "\342\210\213"}, {3, 0, "\342\210\221"},
  {3, 0, "\342\213\221"}, {3, 0, "\342\212\203"}, {3, 0, "\342\212\207"}, {3, 0, "\342\213\221"}, {2, 1, "\303\236"}, {3, 0, "\342\204\242"},
  {2, 0, "\320\213"}, {2, 0, "\320\246"}, {1, 0, "\011"}, {2, 0, "\316\244"}, {2, 0, "\305\244"}, {2, 0, "\305\242"}, {2, 0, "\320\242"},
  {4, 0, "\360\235\224\227"}, {3, 0, "\342\210\264"}, {2, 0, "\316\230"}, {6, 0, "\342\201\237\342\200\212"}, {3, 0, "\342\200\211"},
  {3, 0, "\342\210\274"}, {3, 0, "\342\211\203"}, {3, 0, "\342\211\205"}, {3, 0, "\342\211\210"}, {4, 0, "\360\235\225\213"}, {3, 0, "\342\203\233"},
  {4, 0, "\360\235\222\257"}, {2, 0, "\305\246"}, {2, 1, "\303\232"}, {3, 0, "\342\206\237"}, {3, 0, "\342\245\211"}, {2, 0, "\320\216"},
  {2, 0, "\305\254"}, {2, 1, "\303\233"}, {2, 0, "\320\243"}, {2, 0, "\305\260"}, {4, 0, "\360\235\224\230"}, {2, 1, "\303\231"}, {2, 0, "\305\252"},
  {1, 0, "_"}, {3, 0, "\342\217\237"}, {3, 0, "\342\216\265"}, {3, 0, "\342\217\235"}, {3, 0, "\342\213\203"}, {3, 0, "\342\212\216"},
  {2, 0, "\305\262"}, {4, 0, "\360\235\225\214"}, {3, 0, "\342\206\221"}, {3, 0, "\342\244\222"}, {3, 0, "\342\207\205"}, {3, 0, "\342\206\225"},
  {3, 0, "\342\245\256"}, {3, 0, "\342\212\245"}, {3, 0, "\342\206\245"}, {3, 0, "\342\207\221"}, {3, 0, "\342\207\225"}, {3, 0, "\342\206\226"},
  {3, 0, "\342\206\227"}, {2, 0, "\317\222"}, {2, 0, "\316\245"}, {2, 0, "\305\256"}, {4, 0, "\360\235\222\260"}, {2, 0, "\305\250"},
  {2, 1, "\303\234"}, {3, 0, "\342\212\253"}, {3, 0, "\342\253\253"}, {2, 0, "\320\222"}, {3, 0, "\342\212\251"}, {3, 0, "\342\253\246"},
  {3, 0, "\342\213\201"}, {3, 0, "\342\200\226"}, {3, 0, "\342\200\226"}, {3, 0, "\342\210\243"}, {1, 0, "|"}, {3, 0, "\342\235\230"},
  {3, 0, "\342\211\200"}, {3, 0, "\342\200\212"}, {4, 0, "\360\235\224\231"}, {4, 0, "\360\235\225\215"}, {4, 0, "\360\235\222\261"},
  {3, 0, "\342\212\252"}, {2, 0, "\305\264"}, {3, 0, "\342\213\200"}, {4, 0, "\360\235\224\232"}, {4, 0, "\360\235\225\216"},
  {4, 0, "\360\235\222\262"}, {4, 0, "\360\235\224\233"}, {2, 0, "\316\236"}, {4, 0, "\360\235\225\217"}, {4, 0, "\360\235\222\263"},
  {2, 0, "\320\257"}, {2, 0, "\320\207"}, {2, 0, "\320\256"}, {2, 1, "\303\235"}, {2, 0, "\305\266"}, {2, 0, "\320\253"}, {4, 0, "\360\235\224\234"},
  {4, 0, "\360\235\225\220"}, {4, 0, "\360\235\222\264"}, {2, 0, "\305\270"}, {2, 0, "\320\226"}, {2, 0, "\305\271"}, {2, 0, "\305\275"},
  {2, 0, "\320\227"}, {2, 0, "\305\273"}, {3, 0, "\342\200\213"}, {2, 0, "\316\226"}, {3, 0, "\342\204\250"}, {3, 0, "\342\204\244"},
  {4, 0, "\360\235\222\265"}, {2, 1, "\303\241"}, {2, 0, "\304\203"}, {3, 0, "\342\210\276"}, {5, 0, "\342\210\276\314\263"}, {3, 0, "\342\210\277"},
  {2, 1, "\303\242"}, {2, 1, "\302\264"}, {2, 0, "\320\260"}, {2, 1, "\303\246"}, {3, 0, "\342\201\241"}, {4, 0, "\360\235\224\236"},
  {2, 1, "\303\240"}, {3, 0, "\342\204\265"}, {3, 0, "\342\204\265"}, {2, 0, "\316\261"}, {2, 0, "\304\201"}, {3, 0, "\342\250\277"}, {1, 1, "&"},
  {3, 0, "\342\210\247"}, {3, 0, "\342\251\225"}, {3, 0, "\342\251\234"}, {3, 0, "\342\251\230"}, {3, 0, "\342\251\232"}, {3, 0, "\342\210\240"},
  {3, 0, "\342\246\244"}, {3, 0, "\342\210\240"}, {3, 0, "\342\210\241"}, {3, 0, "\342\246\250"}, {3, 0, "\342\246\251"}, {3, 0, "\342\246\252"},
  {3, 0, "\342\246\253"}, {3, 0, "\342\246\254"}, {3, 0, "\342\246\255"}, {3, 0, "\342\246\256"}, {3, 0, "\342\246\257"}, {3, 0, "\342\210\237"},
  {3, 0, "\342\212\276"}, {3, 0, "\342\246\235"}, {3, 0, "\342\210\242"}, {2, 0, "\303\205"}, {3, 0, "\342\215\274"}, {2, 0, "\304\205"},
  {4, 0, "\360\235\225\222"}, {3, 0, "\342\211\210"}, {3, 0, "\342\251\260"}, {3, 0, "\342\251\257"}, {3, 0, "\342\211\212"}, {3, 0, "\342\211\213"},
  {1, 0, "'"}, {3, 0, "\342\211\210"}, {3, 0, "\342\211\212"}, {2, 1, "\303\245"}, {4, 0, "\360\235\222\266"}, {1, 0, "*"}, {3, 0, "\342\211\210"},
  {3, 0, "\342\211\215"}, {2, 1, "\303\243"}, {2, 1, "\303\244"}, {3, 0, "\342\210\263"}, {3, 0, "\342\250\221"}, {3, 0, "\342\253\255"},
  {3, 0, "\342\211\214"}, {2, 0, "\317\266"}, {3, 0, "\342\200\265"}, {3, 0, "\342\210\275"}, {3, 0, "\342\213\215"}, {3, 0, "\342\212\275"},
  {3, 0, "\342\214\205"}, {3, 0, "\342\214\205"}, {3, 0, "\342\216\265"}, {3, 0, "\342\216\266"}, {3, 0, "\342\211\214"}, {2, 0, "\320\261"},
  {3, 0, "\342\200\236"}, {3, 0, "\342\210\265"}, {3, 0, "\342\210\265"}, {3, 0, "\342\246\260"}, {2, 0, "\317\266"}, {3, 0, "\342\204\254"},
  {2, 0, "\316\262"}, {3, 0, "\342\204\266"}, {3, 0, "\342\211\254"}, {4, 0, "\360\235\224\237"}, {3, 0, "\342\213\202"}, {3, 0, "\342\227\257"},
  {3, 0, "\342\213\203"}, {3, 0, "\342\250\200"}, {3, 0, "\342\250\201"}, {3, 0, "\342\250\202"}, {3, 0, "\342\250\206"}, {3, 0, "\342\230\205"},
  {3, 0, "\342\226\275"}, {3, 0, "\342\226\263"}, {3, 0, "\342\250\204"}, {3, 0, "\342\213\201"}, {3, 0, "\342\213\200"}, {3, 0, "\342\244\215"},
  {3, 0, "\342\247\253"}, {3, 0, "\342\226\252"}, {3, 0, "\342\226\264"}, {3, 0, "\342\226\276"}, {3, 0, "\342\227\202"}, {3, 0, "\342\226\270"},
  {3, 0, "\342\220\243"}, {3, 0, "\342\226\222"}, {3, 0, "\342\226\221"}, {3, 0, "\342\226\223"}, {3, 0, "\342\226\210"}, {4, 0, "=\342\203\245"},
  {6, 0, "\342\211\241\342\203\245"}, {3, 0, "\342\214\220"}, {4, 0, "\360\235\225\223"}, {3, 0, "\342\212\245"}, {3, 0, "\342\212\245"},
  {3, 0, "\342\213\210"}, {3, 0, "\342\225\227"}, {3, 0, "\342\225\224"}, {3, 0, "\342\225\226"}, {3, 0, "\342\225\223"}, {3, 0, "\342\225\220"},
  {3, 0, "\342\225\246"}, {3, 0, "\342\225\251"}, {3, 0, "\342\225\244"}, {3, 0, "\342\225\247"}, {3, 0, "\342\225\235"}, {3, 0, "\342\225\232"},
  {3, 0, "\342\225\234"}, {3, 0, "\342\225\231"}, {3, 0, "\342\225\221"}, {3, 0, "\342\225\254"}, {3, 0, "\342\225\243"}, {3, 0, "\342\225\240"},
  {3, 0, "\342\225\253"}, {3, 0, "\342\225\242"}, {3, 0, "\342\225\237"}, {3, 0, "\342\247\211"}, {3, 0, "\342\225\225"}, {3, 0, "\342\225\222"},
  {3, 0, "\342\224\220"}, {3, 0, "\342\224\214"}, {3, 0, "\342\224\200"}, {3, 0, "\342\225\245"}, {3, 0, "\342\225\250"}, {3, 0, "\342\224\254"},
  {3, 0, "\342\224\264"}, {3, 0, "\342\212\237"}, {3, 0, "\342\212\236"}, {3, 0, "\342\212\240"}, {3, 0, "\342\225\233"}, {3, 0, "\342\225\230"},
  {3, 0, "\342\224\230"}, {3, 0, "\342\224\224"}, {3, 0, "\342\224\202"}, {3, 0, "\342\225\252"}, {3, 0, "\342\225\241"}, {3, 0, "\342\225\236"},
  {3, 0, "\342\224\274"}, {3, 0, "\342\224\244"}, {3, 0, "\342\224\234"}, {3, 0, "\342\200\265"}, {2, 0, "\313\230"}, {2, 1, "\302\246"},
  {4, 0, "\360\235\222\267"}, {3, 0, "\342\201\217"}, {3, 0, "\342\210\275"}, {3, 0, "\342\213\215"}, {1, 0, "\134"}, {3, 0, "\342\247\205"},
  {3, 0, "\342\237\210"}, {3, 0, "\342\200\242"}, {3, 0, "\342\200\242"}, {3, 0, "\342\211\216"}, {3, 0, "\342\252\256"}, {3, 0, "\342\211\217"},
  {3, 0, "\342\211\217"}, {2, 0, "\304\207"}, {3, 0, "\342\210\251"}, {3, 0, "\342\251\204"}, {3, 0, "\342\251\211"}, {3, 0, "\342\251\213"},
  {3, 0, "\342\251\207"}, {3, 0, "\342\251\200"}, {6, 0, "\342\210\251\357\270\200"}, {3, 0, "\342\201\201"}, {2, 0, "\313\207"},
  {3, 0, "\342\251\215"}, {2, 0, "\304\215"}, {2, 1, "\303\247"}, {2, 0, "\304\211"}, {3, 0, "\342\251\214"}, {3, 0, "\342\251\220"},
  {2, 0, "\304\213"}, {2, 1, "\302\270"}, {3, 0, "\342\246\262"}, {2, 1, "\302\242"}, {2, 0, "\302\267"}, {4, 0, "\360\235\224\240"},
  {2, 0, "\321\207"}, {3, 0, "\342\234\223"}, {3, 0, "\342\234\223"}, {2, 0, "\317\207"}, {3, 0, "\342\227\213"}, {3, 0, "\342\247\203"},
  {2, 0, "\313\206"}, {3, 0, "\342\211\227"}, {3, 0, "\342\206\272"}, {3, 0, "\342\206\273"}, {2, 0, "\302\256"}, {3, 0, "\342\223\210"},
  {3, 0, "\342\212\233"}, {3, 0, "\342\212\232"}, {3, 0, "\342\212\235"}, {3, 0, "\342\211\227"}, {3, 0, "\342\250\220"}, {3, 0, "\342\253\257"},
  {3, 0, "\342\247\202"}, {3, 0, "\342\231\243"}, {3, 0, "\342\231\243"}, {1, 0, ":"}, {3, 0, "\342\211\224"}, {3, 0, "\342\211\224"}, {1, 0, ","},
  {1, 0, "@"}, {3, 0, "\342\210\201"}, {3, 0, "\342\210\230"}, {3, 0, "\342\210\201"}, {3, 0, "\342\204\202"}, {3, 0, "\342\211\205"},
  {3, 0, "\342\251\255"}, {3, 0, "\342\210\256"}, {4, 0, "\360\235\225\224"}, {3, 0, "\342\210\220"}, {2, 1, "\302\251"}, {3, 0, "\342\204\227"},
  {3, 0, "\342\206\265"}, {3, 0, "\342\234\227"}, {4, 0, "\360\235\222\270"}, {3, 0, "\342\253\217"}, {3, 0, "\342\253\221"}, {3, 0, "\342\253\220"},
  {3, 0, "\342\253\222"}, {3, 0, "\342\213\257"}, {3, 0, "\342\244\270"}, {3, 0, "\342\244\265"}, {3, 0, "\342\213\236"}, {3, 0, "\342\213\237"},
  {3, 0, "\342\206\266"}, {3, 0, "\342\244\275"}, {3, 0, "\342\210\252"}, {3, 0, "\342\251\210"}, {3, 0, "\342\251\206"}, {3, 0, "\342\251\212"},
  {3, 0, "\342\212\215"}, {3, 0, "\342\251\205"}, {6, 0, "\342\210\252\357\270\200"}, {3, 0, "\342\206\267"}, {3, 0, "\342\244\274"},
  {3, 0, "\342\213\236"}, {3, 0, "\342\213\237"}, {3, 0, "\342\213\216"}, {3, 0, "\342\213\217"}, {2, 1, "\302\244"}, {3, 0, "\342\206\266"},
  {3, 0, "\342\206\267"}, {3, 0, "\342\213\216"}, {3, 0, "\342\213\217"}, {3, 0, "\342\210\262"}, {3, 0, "\342\210\261"}, {3, 0, "\342\214\255"},
  {3, 0, "\342\207\223"}, {3, 0, "\342\245\245"}, {3, 0, "\342\200\240"}, {3, 0, "\342\204\270"}, {3, 0, "\342\206\223"}, {3, 0, "\342\200\220"},
  {3, 0, "\342\212\243"}, {3, 0, "\342\244\217"}, {2, 0, "\313\235"}, {2, 0, "\304\217"}, {2, 0, "\320\264"}, {3, 0, "\342\205\206"},
  {3, 0, "\342\200\241"}, {3, 0, "\342\207\212"}, {3, 0, "\342\251\267"}, {2, 1, "\302\260"}, {2, 0, "\316\264"}, {3, 0, "\342\246\261"},
  {3, 0, "\342\245\277"}, {4, 0, "\360\235\224\241"}, {3, 0, "\342\207\203"}, {3, 0, "\342\207\202"}, {3, 0, "\342\213\204"}, {3, 0, "\342\213\204"},
  {3, 0, "\342\231\246"}, {3, 0, "\342\231\246"}, {2, 0, "\302\250"}, {2, 0, "\317\235"}, {3, 0, "\342\213\262"}, {2, 0, "\303\267"},
  {2, 1, "\303\267"}, {3, 0, "\342\213\207"}, {3, 0, "\342\213\207"}, {2, 0, "\321\222"}, {3, 0, "\342\214\236"}, {3, 0, "\342\214\215"},
  {1, 0, "$"}, {4, 0, "\360\235\225\225"}, {2, 0, "\313\231"}, {3, 0, "\342\211\220"}, {3, 0, "\342\211\221"}, {3, 0, "\342\210\270"},
  {3, 0, "\342\210\224"}, {3, 0, "\342\212\241"}, {3, 0, "\342\214\206"}, {3, 0, "\342\206\223"}, {3, 0, "\342\207\212"}, {3, 0, "\342\207\203"},
  {3, 0, "\342\207\202"}, {3, 0, "\342\244\220"}, {3, 0, "\342\214\237"}, {3, 0, "\342\214\214"}, {4, 0, "\360\235\222\271"}, {2, 0, "\321\225"},
  {3, 0, "\342\247\266"}, {2, 0, "\304\221"}, {3, 0, "\342\213\261"}, {3, 0, "\342\226\277"}, {3, 0, "\342\226\276"}, {3, 0, "\342\207\265"},
  {3, 0, "\342\245\257"}, {3, 0, "\342\246\246"}, {2, 0, "\321\237"}, {3, 0, "\342\237\277"}, {3, 0, "\342\251\267"}, {3, 0, "\342\211\221"},
  {2, 1, "\303\251"}, {3, 0, "\342\251\256"}, {2, 0, "\304\233"}, {3, 0, "\342\211\226"}, {2, 1, "\303\252"}, {3, 0, "\342\211\225"},
  {2, 0, "\321\215"}, {2, 0, "\304\227"}, {3, 0, "\342\205\207"}, {3, 0, "\342\211\222"}, {4, 0, "\360\235\224\242"}, {3, 0, "\342\252\232"},
  {2, 1, "\303\250"}, {3, 0, "\342\252\226"}, {3, 0, "\342\252\230"}, {3, 0, "\342\252\231"}, {3, 0, "\342\217\247"}, {3, 0, "\342\204\223"},
  {3, 0, "\342\252\225"}, {3, 0, "\342\252\227"}, {2, 0, "\304\223"}, {3, 0, "\342\210\205"}, {3, 0, "\342\210\205"}, {3, 0, "\342\210\205"},
  {3, 0, "\342\200\203"}, {3, 0, "\342\200\204"}, {3, 0, "\342\200\205"}, {2, 0, "\305\213"}, {3, 0, "\342\200\202"}, {2, 0, "\304\231"},
  {4, 0, "\360\235\225\226"}, {3, 0, "\342\213\225"}, {3, 0, "\342\247\243"}, {3, 0, "\342\251\261"}, {2, 0, "\316\265"}, {2, 0, "\316\265"},
  {2, 0, "\317\265"}, {3, 0, "\342\211\226"}, {3, 0, "\342\211\225"}, {3, 0, "\342\211\202"}, {3, 0, "\342\252\226"}, {3, 0, "\342\252\225"},
  {1, 0, "="}, {3, 0, "\342\211\237"}, {3, 0, "\342\211\241"}, {3, 0, "\342\251\270"}, {3, 0, "\342\247\245"}, {3, 0, "\342\211\223"},
  {3, 0, "\342\245\261"}, {3, 0, "\342\204\257"}, {3, 0, "\342\211\220"}, {3, 0, "\342\211\202"}, {2, 0, "\316\267"}, {2, 1, "\303\260"},
  {2, 1, "\303\253"}, {3, 0, "\342\202\254"}, {1, 0, "!"}, {3, 0, "\342\210\203"}, {3, 0, "\342\204\260"}, {3, 0, "\342\205\207"},
  {3, 0, "\342\211\222"}, {2, 0, "\321\204"}, {3, 0, "\342\231\200"}, {3, 0, "\357\254\203"}, {3, 0, "\357\254\200"}, {3, 0, "\357\254\204"},
  {4, 0, "\360\235\224\243"}, {3, 0, "\357\254\201"}, {2, 0, "fj"}, {3, 0, "\342\231\255"}, {3, 0, "\357\254\202"}, {3, 0, "\342\226\261"},
  {2, 0, "\306\222"}, {4, 0, "\360\235\225\227"}, {3, 0, "\342\210\200"}, {3, 0, "\342\213\224"}, {3, 0, "\342\253\231"}, {3, 0, "\342\250\215"},
  {2, 1, "\302\275"}, {3, 0, "\342\205\223"}, {2, 1, "\302\274"}, {3, 0, "\342\205\225"}, {3, 0, "\342\205\231"}, {3, 0, "\342\205\233"},
  {3, 0, "\342\205\224"}, {3, 0, "\342\205\226"}, {2, 1, "\302\276"}, {3, 0, "\342\205\227"}, {3, 0, "\342\205\234"}, {3, 0, "\342\205\230"},
  {3, 0, "\342\205\232"}, {3, 0, "\342\205\235"}, {3, 0, "\342\205\236"}, {3, 0, "\342\201\204"}, {3, 0, "\342\214\242"}, {4, 0, "\360\235\222\273"},
  {3, 0, "\342\211\247"}, {3, 0, "\342\252\214"}, {2, 0, "\307\265"}, {2, 0, "\316\263"}, {2, 0, "\317\235"}, {3, 0, "\342\252\206"},
  {2, 0, "\304\237"}, {2, 0, "\304\235"}, {2, 0, "\320\263"}, {2, 0, "\304\241"}, {3, 0, "\342\211\245"}, {3, 0, "\342\213\233"},
  {3, 0, "\342\211\245"}, {3, 0, "\342\211\247"}, {3, 0, "\342\251\276"}, {3, 0, "\342\251\276"}, {3, 0, "\342\252\251"}, {3, 0, "\342\252\200"},
  {3, 0, "\342\252\202"}, {3, 0, "\342\252\204"}, {6, 0, "\342\213\233\357\270\200"}, {3, 0, "\342\252\224"}, {4, 0, "\360\235\224\244"},
  {3, 0, "\342\211\253"}, {3, 0, "\342\213\231"}, {3, 0, "\342\204\267"}, {2, 0, "\321\223"}, {3, 0, "\342\211\267"}, {3, 0, "\342\252\222"},
  {3, 0, "\342\252\245"}, {3, 0, "\342\252\244"}, {3, 0, "\342\211\251"}, {3, 0, "\342\252\212"}, {3, 0, "\342\252\212"}, {3, 0, "\342\252\210"},
  {3, 0, "\342\252\210"}, {3, 0, "\342\211\251"}, {3, 0, "\342\213\247"}, {4, 0, "\360\235\225\230"}, {1, 0, "`"}, {3, 0, "\342\204\212"},
  {3, 0, "\342\211\263"}, {3, 0, "\342\252\216"}, {3, 0, "\342\252\220"}, {1, 1, ">"}, {3, 0, "\342\252\247"}, {3, 0, "\342\251\272"},
  {3, 0, "\342\213\227"}, {3, 0, "\342\246\225"}, {3, 0, "\342\251\274"}, {3, 0, "\342\252\206"}, {3, 0, "\342\245\270"}, {3, 0, "\342\213\227"},
  {3, 0, "\342\213\233"}, {3, 0, "\342\252\214"}, {3, 0, "\342\211\267"}, {3, 0, "\342\211\263"}, {6, 0, "\342\211\251\357\270\200"},
  {6, 0, "\342\211\251\357\270\200"}, {3, 0, "\342\207\224"}, {3, 0, "\342\200\212"}, {2, 0, "\302\275"}, {3, 0, "\342\204\213"}, {2, 0, "\321\212"},
  {3, 0, "\342\206\224"}, {3, 0, "\342\245\210"}, {3, 0, "\342\206\255"}, {3, 0, "\342\204\217"}, {2, 0, "\304\245"}, {3, 0, "\342\231\245"},
  {3, 0, "\342\231\245"}, {3, 0, "\342\200\246"}, {3, 0, "\342\212\271"}, {4, 0, "\360\235\224\245"}, {3, 0, "\342\244\245"}, {3, 0, "\342\244\246"},
  {3, 0, "\342\207\277"}, {3, 0, "\342\210\273"}, {3, 0, "\342\206\251"}, {3, 0, "\342\206\252"}, {4, 0, "\360\235\225\231"}, {3, 0, "\342\200\225"},
  {4, 0, "\360\235\222\275"}, {3, 0, "\342\204\217"}, {2, 0, "\304\247"}, {3, 0, "\342\201\203"}, {3, 0, "\342\200\220"}, {2, 1, "\303\255"},
  {3, 0, "\342\201\243"}, {2, 1, "\303\256"}, {2, 0, "\320\270"}, {2, 0, "\320\265"}, {2, 1, "\302\241"}, {3, 0, "\342\207\224"},
  {4, 0, "\360\235\224\246"}, {2, 1, "\303\254"}, {3, 0, "\342\205\210"}, {3, 0, "\342\250\214"}, {3, 0, "\342\210\255"}, {3, 0, "\342\247\234"},
  {3, 0, "\342\204\251"}, {2, 0, "\304\263"}, {2, 0, "\304\253"}, {3, 0, "\342\204\221"}, {3, 0, "\342\204\220"}, {3, 0, "\342\204\221"},
  {2, 0, "\304\261"}, {3, 0, "\342\212\267"}, {2, 0, "\306\265"}, {3, 0, "\342\210\210"}, {3, 0, "\342\204\205"}, {3, 0, "\342\210\236"},
  {3, 0, "\342\247\235"}, {2, 0, "\304\261"}, {3, 0, "\342\210\253"}, {3, 0, "\342\212\272"}, {3, 0, "\342\204\244"}, {3, 0, "\342\212\272"},
  {3, 0, "\342\250\227"}, {3, 0, "\342\250\274"}, {2, 0, "\321\221"}, {2, 0, "\304\257"}, {4, 0, "\360\235\225\232"}, {2, 0, "\316\271"},
  {3, 0, "\342\250\274"}, {2, 1, "\302\277"}, {4, 0, "\360\235\222\276"}, {3, 0, "\342\210\210"}, {3, 0, "\342\213\271"}, {3, 0, "\342\213\265"},
  {3, 0, "\342\213\264"}, {3, 0, "\342\213\263"}, {3, 0, "\342\210\210"}, {3, 0, "\342\201\242"}, {2, 0, "\304\251"}, {2, 0, "\321\226"},
  {2, 1, "\303\257"}, {2, 0, "\304\265"}, {2, 0, "\320\271"}, {4, 0, "\360\235\224\247"}, {2, 0, "\310\267"}, {4, 0, "\360\235\225\233"},
  {4, 0, "\360\235\222\277"}, {2, 0, "\321\230"}, {2, 0, "\321\224"}, {2, 0, "\316\272"}, {2, 0, "\317\260"}, {2, 0, "\304\267"}, {2, 0, "\320\272"},
  {4, 0, "\360\235\224\250"}, {2, 0, "\304\270"}, {2, 0, "\321\205"}, {2, 0, "\321\234"}, {4, 0, "\360\235\225\234"}, {4, 0, "\360\235\223\200"},
  {3, 0, "\342\207\232"}, {3, 0, "\342\207\220"}, {3, 0, "\342\244\233"}, {3, 0, "\342\244\216"}, {3, 0, "\342\211\246"}, {3, 0, "\342\252\213"},
  {3, 0, "\342\245\242"}, {2, 0, "\304\272"}, {3, 0, "\342\246\264"}, {3, 0, "\342\204\222"}, {2, 0, "\316\273"}, {3, 0, "\342\237\250"},
  {3, 0, "\342\246\221"}, {3, 0, "\342\237\250"}, {3, 0, "\342\252\205"}, {2, 1, "\302\253"}, {3, 0, "\342\206\220"}, {3, 0, "\342\207\244"},
  {3, 0, "\342\244\237"}, {3, 0, "\342\244\235"}, {3, 0, "\342\206\251"}, {3, 0, "\342\206\253"}, {3, 0, "\342\244\271"}, {3, 0, "\342\245\263"},
  {3, 0, "\342\206\242"}, {3, 0, "\342\252\253"}, {3, 0, "\342\244\231"}, {3, 0, "\342\252\255"}, {6, 0, "\342\252\255\357\270\200"},
  {3, 0, "\342\244\214"}, {3, 0, "\342\235\262"}, {1, 0, "{"}, {1, 0, "["}, {3, 0, "\342\246\213"}, {3, 0, "\342\246\217"}, {3, 0, "\342\246\215"},
  {2, 0, "\304\276"}, {2, 0, "\304\274"}, {3, 0, "\342\214\210"}, {1, 0, "{"}, {2, 0, "\320\273"}, {3, 0, "\342\244\266"}, {3, 0, "\342\200\234"},
  {3, 0, "\342\200\236"}, {3, 0, "\342\245\247"}, {3, 0, "\342\245\213"}, {3, 0, "\342\206\262"}, {3, 0, "\342\211\244"}, {3, 0, "\342\206\220"},
  {3, 0, "\342\206\242"}, {3, 0, "\342\206\275"}, {3, 0, "\342\206\274"}, {3, 0, "\342\207\207"}, {3, 0, "\342\206\224"}, {3, 0, "\342\207\206"},
  {3, 0, "\342\207\213"}, {3, 0, "\342\206\255"}, {3, 0, "\342\213\213"}, {3, 0, "\342\213\232"}, {3, 0, "\342\211\244"}, {3, 0, "\342\211\246"},
  {3, 0, "\342\251\275"}, {3, 0, "\342\251\275"}, {3, 0, "\342\252\250"}, {3, 0, "\342\251\277"}, {3, 0, "\342\252\201"}, {3, 0, "\342\252\203"},
  {6, 0, "\342\213\232\357\270\200"}, {3, 0, "\342\252\223"}, {3, 0, "\342\252\205"}, {3, 0, "\342\213\226"}, {3, 0, "\342\213\232"},
  {3, 0, "\342\252\213"}, {3, 0, "\342\211\266"}, {3, 0, "\342\211\262"}, {3, 0, "\342\245\274"}, {3, 0, "\342\214\212"}, {4, 0, "\360\235\224\251"},
  {3, 0, "\342\211\266"}, {3, 0, "\342\252\221"}, {3, 0, "\342\206\275"}, {3, 0, "\342\206\274"}, {3, 0, "\342\245\252"}, {3, 0, "\342\226\204"},
  {2, 0, "\321\231"}, {3, 0, "\342\211\252"}, {3, 0, "\342\207\207"}, {3, 0, "\342\214\236"}, {3, 0, "\342\245\253"}, {3, 0, "\342\227\272"},
  {2, 0, "\305\200"}, {3, 0, "\342\216\260"}, {3, 0, "\342\216\260"}, {3, 0, "\342\211\250"}, {3, 0, "\342\252\211"}, {3, 0, "\342\252\211"},
  {3, 0, "\342\252\207"}, {3, 0, "\342\252\207"}, {3, 0, "\342\211\250"}, {3, 0, "\342\213\246"}, {3, 0, "\342\237\254"}, {3, 0, "\342\207\275"},
  {3, 0, "\342\237\246"}, {3, 0, "\342\237\265"}, {3, 0, "\342\237\267"}, {3, 0, "\342\237\274"}, {3, 0, "\342\237\266"}, {3, 0, "\342\206\253"},
  {3, 0, "\342\206\254"}, {3, 0, "\342\246\205"}, {4, 0, "\360\235\225\235"}, {3, 0, "\342\250\255"}, {3, 0, "\342\250\264"}, {3, 0, "\342\210\227"},
  {1, 0, "_"}, {3, 0, "\342\227\212"}, {3, 0, "\342\227\212"}, {3, 0, "\342\247\253"}, {1, 0, "("}, {3, 0, "\342\246\223"}, {3, 0, "\342\207\206"},
  {3, 0, "\342\214\237"}, {3, 0, "\342\207\213"}, {3, 0, "\342\245\255"}, {3, 0, "\342\200\216"}, {3, 0, "\342\212\277"}, {3, 0, "\342\200\271"},
  {4, 0, "\360\235\223\201"}, {3, 0, "\342\206\260"}, {3, 0, "\342\211\262"}, {3, 0, "\342\252\215"}, {3, 0, "\342\252\217"}, {1, 0, "["},
  {3, 0, "\342\200\230"}, {3, 0, "\342\200\232"}, {2, 0, "\305\202"}, {1, 1, "<"}, {3, 0, "\342\252\246"}, {3, 0, "\342\251\271"},
  {3, 0, "\342\213\226"}, {3, 0, "\342\213\213"}, {3, 0, "\342\213\211"}, {3, 0, "\342\245\266"}, {3, 0, "\342\251\273"}, {3, 0, "\342\246\226"},
  {3, 0, "\342\227\203"}, {3, 0, "\342\212\264"}, {3, 0, "\342\227\202"}, {3, 0, "\342\245\212"}, {3, 0, "\342\245\246"},
  {6, 0, "\342\211\250\357\270\200"}, {6, 0, "\342\211\250\357\270\200"}, {3, 0, "\342\210\272"}, {2, 1, "\302\257"}, {3, 0, "\342\231\202"},
  {3, 0, "\342\234\240"}, {3, 0, "\342\234\240"}, {3, 0, "\342\206\246"}, {3, 0, "\342\206\246"}, {3, 0, "\342\206\247"}, {3, 0, "\342\206\244"},
  {3, 0, "\342\206\245"}, {3, 0, "\342\226\256"}, {3, 0, "\342\250\251"}, {2, 0, "\320\274"}, {3, 0, "\342\200\224"}, {3, 0, "\342\210\241"},
  {4, 0, "\360\235\224\252"}, {3, 0, "\342\204\247"}, {2, 1, "\302\265"}, {3, 0, "\342\210\243"}, {1, 0, "*"}, {3, 0, "\342\253\260"},
  {2, 1, "\302\267"}, {3, 0, "\342\210\222"}, {3, 0, "\342\212\237"}, {3, 0, "\342\210\270"}, {3, 0, "\342\250\252"}, {3, 0, "\342\253\233"},
  {3, 0, "\342\200\246"}, {3, 0, "\342\210\223"}, {3, 0, "\342\212\247"}, {4, 0, "\360\235\225\236"}, {3, 0, "\342\210\223"},
  {4, 0, "\360\235\223\202"}, {3, 0, "\342\210\276"}, {2, 0, "\316\274"}, {3, 0, "\342\212\270"}, {3, 0, "\342\212\270"},
  {5, 0, "\342\213\231\314\270"}, {6, 0, "\342\211\253\342\203\222"}, {5, 0, "\342\211\253\314\270"}, {3, 0, "\342\207\215"}, {3, 0, "\342\207\216"},
  {5, 0, "\342\213\230\314\270"}, {6, 0, "\342\211\252\342\203\222"}, {5, 0, "\342\211\252\314\270"}, {3, 0, "\342\207\217"}, {3, 0, "\342\212\257"},
  {3, 0, "\342\212\256"}, {3, 0, "\342\210\207"}, {2, 0, "\305\204"}, {6, 0, "\342\210\240\342\203\222"}, {3, 0, "\342\211\211"},
  {5, 0, "\342\251\260\314\270"}, {5, 0, "\342\211\213\314\270"}, {2, 0, "\305\211"}, {3, 0, "\342\211\211"}, {3, 0, "\342\231\256"},
  {3, 0, "\342\231\256"}, {3, 0, "\342\204\225"}, {2, 1, "\302\240"}, {5, 0, "\342\211\216\314\270"}, {5, 0, "\342\211\217\314\270"},
  {3, 0, "\342\251\203"}, {2, 0, "\305\210"}, {2, 0, "\305\206"}, {3, 0, "\342\211\207"}, {5, 0, "\342\251\255\314\270"}, {3, 0, "\342\251\202"},
  {2, 0, "\320\275"}, {3, 0, "\342\200\223"}, {3, 0, "\342\211\240"}, {3, 0, "\342\207\227"}, {3, 0, "\342\244\244"}, {3, 0, "\342\206\227"},
  {3, 0, "\342\206\227"}, {5, 0, "\342\211\220\314\270"}, {3, 0, "\342\211\242"}, {3, 0, "\342\244\250"}, {5, 0, "\342\211\202\314\270"},
  {3, 0, "\342\210\204"}, {3, 0, "\342\210\204"}, {4, 0, "\360\235\224\253"}, {5, 0, "\342\211\247\314\270"}, {3, 0, "\342\211\261"},
  {3, 0, "\342\211\261"}, {5, 0, "\342\211\247\314\270"}, {5, 0, "\342\251\276\314\270"}, {5, 0, "\342\251\276\314\270"}, {3, 0, "\342\211\265"},
  {3, 0, "\342\211\257"}, {3, 0, "\342\211\257"}, {3, 0, "\342\207\216"}, {3, 0, "\342\206\256"}, {3, 0, "\342\253\262"}, {3, 0, "\342\210\213"},
  {3, 0, "\342\213\274"}, {3, 0, "\342\213\272"}, {3, 0, "\342\210\213"}, {2, 0, "\321\232"}, {3, 0, "\342\207\215"}, {5, 0, "\342\211\246\314\270"},
  {3, 0, "\342\206\232"}, {3, 0, "\342\200\245"}, {3, 0, "\342\211\260"}, {3, 0, "\342\206\232"}, {3, 0, "\342\206\256"}, {3, 0, "\342\211\260"},
  {5, 0, "\342\211\246\314\270"}, {5, 0, "\342\251\275\314\270"}, {5, 0, "\342\251\275\314\270"}, {3, 0, "\342\211\256"}, {3, 0, "\342\211\264"},
  {3, 0, "\342\211\256"}, {3, 0, "\342\213\252"}, {3, 0, "\342\213\254"}, {3, 0, "\342\210\244"}, {4, 0, "\360\235\225\237"}, {2, 1, "\302\254"},
  {3, 0, "\342\210\211"}, {5, 0, "\342\213\271\314\270"}, {5, 0, "\342\213\265\314\270"}, {3, 0, "\342\210\211"}, {3, 0, "\342\213\267"},
  {3, 0, "\342\213\266"}, {3, 0, "\342\210\214"}, {3, 0, "\342\210\214"}, {3, 0, "\342\213\276"}, {3, 0, "\342\213\275"}, {3, 0, "\342\210\246"},
  {3, 0, "\342\210\246"}, {6, 0, "\342\253\275\342\203\245"}, {5, 0, "\342\210\202\314\270"}, {3, 0, "\342\250\224"}, {3, 0, "\342\212\200"},
  {3, 0, "\342\213\240"}, {5, 0, "\342\252\257\314\270"}, {3, 0, "\342\212\200"}, {5, 0, "\342\252\257\314\270"}, {3, 0, "\342\207\217"},
  {3, 0, "\342\206\233"}, {5, 0, "\342\244\263\314\270"}, {5, 0, "\342\206\235\314\270"}, {3, 0, "\342\206\233"}, {3, 0, "\342\213\253"},
  {3, 0, "\342\213\255"}, {3, 0, "\342\212\201"}, {3, 0, "\342\213\241"}, {5, 0, "\342\252\260\314\270"}, {4, 0, "\360\235\223\203"},
  {3, 0, "\342\210\244"}, {3, 0, "\342\210\246"}, {3, 0, "\342\211\201"}, {3, 0, "\342\211\204"}, {3, 0, "\342\211\204"}, {3, 0, "\342\210\244"},
  {3, 0, "\342\210\246"}, {3, 0, "\342\213\242"}, {3, 0, "\342\213\243"}, {3, 0, "\342\212\204"}, {5, 0, "\342\253\205\314\270"},
  {3, 0, "\342\212\210"}, {6, 0, "\342\212\202\342\203\222"}, {3, 0, "\342\212\210"}, {5, 0, "\342\253\205\314\270"}, {3, 0, "\342\212\201"},
  {5, 0, "\342\252\260\314\270"}, {3, 0, "\342\212\205"}, {5, 0, "\342\253\206\314\270"}, {3, 0, "\342\212\211"}, {6, 0, "\342\212\203\342\203\222"},
  {3, 0, "\342\212\211"}, {5, 0, "\342\253\206\314\270"}, {3, 0, "\342\211\271"}, {2, 1, "\303\261"}, {3, 0, "\342\211\270"}, {3, 0, "\342\213\252"},
  {3, 0, "\342\213\254"}, {3, 0, "\342\213\253"}, {3, 0, "\342\213\255"}, {2, 0, "\316\275"}, {1, 0, "#"}, {3, 0, "\342\204\226"},
  {3, 0, "\342\200\207"}, {3, 0, "\342\212\255"}, {3, 0, "\342\244\204"}, {6, 0, "\342\211\215\342\203\222"}, {3, 0, "\342\212\254"},
  {6, 0, "\342\211\245\342\203\222"}, {4, 0, ">\342\203\222"}, {3, 0, "\342\247\236"}, {3, 0, "\342\244\202"}, {6, 0, "\342\211\244\342\203\222"},
  {4, 0, "<\342\203\222"}, {6, 0, "\342\212\264\342\203\222"}, {3, 0, "\342\244\203"}, {6, 0, "\342\212\265\342\203\222"},
  {6, 0, "\342\210\274\342\203\222"}, {3, 0, "\342\207\226"}, {3, 0, "\342\244\243"}, {3, 0, "\342\206\226"}, {3, 0, "\342\206\226"},
  {3, 0, "\342\244\247"}, {3, 0, "\342\223\210"}, {2, 1, "\303\263"}, {3, 0, "\342\212\233"}, {3, 0, "\342\212\232"}, {2, 1, "\303\264"},
  {2, 0, "\320\276"}, {3, 0, "\342\212\235"}, {2, 0, "\305\221"}, {3, 0, "\342\250\270"}, {3, 0, "\342\212\231"}, {3, 0, "\342\246\274"},
  {2, 0, "\305\223"}, {3, 0, "\342\246\277"}, {4, 0, "\360\235\224\254"}, {2, 0, "\313\233"}, {2, 1, "\303\262"}, {3, 0, "\342\247\201"},
  {3, 0, "\342\246\265"}, {2, 0, "\316\251"}, {3, 0, "\342\210\256"}, {3, 0, "\342\206\272"}, {3, 0, "\342\246\276"}, {3, 0, "\342\246\273"},
  {3, 0, "\342\200\276"}, {3, 0, "\342\247\200"}, {2, 0, "\305\215"}, {2, 0, "\317\211"}, {2, 0, "\316\277"}, {3, 0, "\342\246\266"},
  {3, 0, "\342\212\226"}, {4, 0, "\360\235\225\240"}, {3, 0, "\342\246\267"}, {3, 0, "\342\246\271"}, {3, 0, "\342\212\225"}, {3, 0, "\342\210\250"},
  {3, 0, "\342\206\273"}, {3, 0, "\342\251\235"}, {3, 0, "\342\204\264"}, {3, 0, "\342\204\264"}, {2, 1, "\302\252"}, {2, 1, "\302\272"},
  {3, 0, "\342\212\266"}, {3, 0, "\342\251\226"}, {3, 0, "\342\251\227"}, {3, 0, "\342\251\233"}, {3, 0, "\342\204\264"}, {2, 1, "\303\270"},
  {3, 0, "\342\212\230"}, {2, 1, "\303\265"}, {3, 0, "\342\212\227"}, {3, 0, "\342\250\266"}, {2, 1, "\303\266"}, {3, 0, "\342\214\275"},
  {3, 0, "\342\210\245"}, {2, 1, "\302\266"}, {3, 0, "\342\210\245"}, {3, 0, "\342\253\263"}, {3, 0, "\342\253\275"}, {3, 0, "\342\210\202"},
  {2, 0, "\320\277"}, {1, 0, "%"}, {1, 0, "."}, {3, 0, "\342\200\260"}, {3, 0, "\342\212\245"}, {3, 0, "\342\200\261"}, {4, 0, "\360\235\224\255"},
  {2, 0, "\317\206"}, {2, 0, "\317\225"}, {3, 0, "\342\204\263"}, {3, 0, "\342\230\216"}, {2, 0, "\317\200"}, {3, 0, "\342\213\224"},
  {2, 0, "\317\226"}, {3, 0, "\342\204\217"}, {3, 0, "\342\204\216"}, {3, 0, "\342\204\217"}, {1, 0, "+"}, {3, 0, "\342\250\243"},
  {3, 0, "\342\212\236"}, {3, 0, "\342\250\242"}, {3, 0, "\342\210\224"}, {3, 0, "\342\250\245"}, {3, 0, "\342\251\262"}, {2, 1, "\302\261"},
  {3, 0, "\342\250\246"}, {3, 0, "\342\250\247"}, {2, 0, "\302\261"}, {3, 0, "\342\250\225"}, {4, 0, "\360\235\225\241"}, {2, 1, "\302\243"},
  {3, 0, "\342\211\272"}, {3, 0, "\342\252\263"}, {3, 0, "\342\252\267"}, {3, 0, "\342\211\274"}, {3, 0, "\342\252\257"}, {3, 0, "\342\211\272"},
  {3, 0, "\342\252\267"}, {3, 0, "\342\211\274"}, {3, 0, "\342\252\257"}, {3, 0, "\342\252\271"}, {3, 0, "\342\252\265"}, {3, 0, "\342\213\250"},
  {3, 0, "\342\211\276"}, {3, 0, "\342\200\262"}, {3, 0, "\342\204\231"}, {3, 0, "\342\252\265"}, {3, 0, "\342\252\271"}, {3, 0, "\342\213\250"},
  {3, 0, "\342\210\217"}, {3, 0, "\342\214\256"}, {3, 0, "\342\214\222"}, {3, 0, "\342\214\223"}, {3, 0, "\342\210\235"}, {3, 0, "\342\210\235"},
  {3, 0, "\342\211\276"}, {3, 0, "\342\212\260"}, {4, 0, "\360\235\223\205"}, {2, 0, "\317\210"}, {3, 0, "\342\200\210"}, {4, 0, "\360\235\224\256"},
  {3, 0, "\342\250\214"}, {4, 0, "\360\235\225\242"}, {3, 0, "\342\201\227"}, {4, 0, "\360\235\223\206"}, {3, 0, "\342\204\215"},
  {3, 0, "\342\250\226"}, {1, 0, "\077"}, {3, 0, "\342\211\237"}, {1, 1, "\042"}, {3, 0, "\342\207\233"}, {3, 0, "\342\207\222"},
  {3, 0, "\342\244\234"}, {3, 0, "\342\244\217"}, {3, 0, "\342\245\244"}, {5, 0, "\342\210\275\314\261"}, {2, 0, "\305\225"}, {3, 0, "\342\210\232"},
  {3, 0, "\342\246\263"}, {3, 0, "\342\237\251"}, {3, 0, "\342\246\222"}, {3, 0, "\342\246\245"}, {3, 0, "\342\237\251"}, {2, 1, "\302\273"},
  {3, 0, "\342\206\222"}, {3, 0, "\342\245\265"}, {3, 0, "\342\207\245"}, {3, 0, "\342\244\240"}, {3, 0, "\342\244\263"}, {3, 0, "\342\244\236"},
  {3, 0, "\342\206\252"}, {3, 0, "\342\206\254"}, {3, 0, "\342\245\205"}, {3, 0, "\342\245\264"}, {3, 0, "\342\206\243"}, {3, 0, "\342\206\235"},
  {3, 0, "\342\244\232"}, {3, 0, "\342\210\266"}, {3, 0, "\342\204\232"}, {3, 0, "\342\244\215"}, {3, 0, "\342\235\263"}, {1, 0, "}"}, {1, 0, "]"},
  {3, 0, "\342\246\214"}, {3, 0, "\342\246\216"}, {3, 0, "\342\246\220"}, {2, 0, "\305\231"}, {2, 0, "\305\227"}, {3, 0, "\342\214\211"},
  {1, 0, "}"}, {2, 0, "\321\200"}, {3, 0, "\342\244\267"}, {3, 0, "\342\245\251"}, {3, 0, "\342\200\235"}, {3, 0, "\342\200\235"},
  {3, 0, "\342\206\263"}, {3, 0, "\342\204\234"}, {3, 0, "\342\204\233"}, {3, 0, "\342\204\234"}, {3, 0, "\342\204\235"}, {3, 0, "\342\226\255"},
  {2, 1, "\302\256"}, {3, 0, "\342\245\275"}, {3, 0, "\342\214\213"}, {4, 0, "\360\235\224\257"}, {3, 0, "\342\207\201"}, {3, 0, "\342\207\200"},
  {3, 0, "\342\245\254"}, {2, 0, "\317\201"}, {2, 0, "\317\261"}, {3, 0, "\342\206\222"}, {3, 0, "\342\206\243"}, {3, 0, "\342\207\201"},
  {3, 0, "\342\207\200"}, {3, 0, "\342\207\204"}, {3, 0, "\342\207\214"}, {3, 0, "\342\207\211"}, {3, 0, "\342\206\235"}, {3, 0, "\342\213\214"},
  {2, 0, "\313\232"}, {3, 0, "\342\211\223"}, {3, 0, "\342\207\204"}, {3, 0, "\342\207\214"}, {3, 0, "\342\200\217"}, {3, 0, "\342\216\261"},
  {3, 0, "\342\216\261"}, {3, 0, "\342\253\256"}, {3, 0, "\342\237\255"}, {3, 0, "\342\207\276"}, {3, 0, "\342\237\247"}, {3, 0, "\342\246\206"},
  {4, 0, "\360\235\225\243"}, {3, 0, "\342\250\256"}, {3, 0, "\342\250\265"}, {1, 0, ")"}, {3, 0, "\342\246\224"}, {3, 0, "\342\250\222"},
  {3, 0, "\342\207\211"}, {3, 0, "\342\200\272"}, {4, 0, "\360\235\223\207"}, {3, 0, "\342\206\261"}, {1, 0, "]"}, {3, 0, "\342\200\231"},
  {3, 0, "\342\200\231"}, {3, 0, "\342\213\214"}, {3, 0, "\342\213\212"}, {3, 0, "\342\226\271"}, {3, 0, "\342\212\265"}, {3, 0, "\342\226\270"},
  {3, 0, "\342\247\216"}, {3, 0, "\342\245\250"}, {3, 0, "\342\204\236"}, {2, 0, "\305\233"}, {3, 0, "\342\200\232"}, {3, 0, "\342\211\273"},
  {3, 0, "\342\252\264"}, {3, 0, "\342\252\270"}, {2, 0, "\305\241"}, {3, 0, "\342\211\275"}, {3, 0, "\342\252\260"}, {2, 0, "\305\237"},
  {2, 0, "\305\235"}, {3, 0, "\342\252\266"}, {3, 0, "\342\252\272"}, {3, 0, "\342\213\251"}, {3, 0, "\342\250\223"}, {3, 0, "\342\211\277"},
  {2, 0, "\321\201"}, {3, 0, "\342\213\205"}, {3, 0, "\342\212\241"}, {3, 0, "\342\251\246"}, {3, 0, "\342\207\230"}, {3, 0, "\342\244\245"},
  {3, 0, "\342\206\230"}, {3, 0, "\342\206\230"}, {2, 1, "\302\247"}, {1, 0, ";"}, {3, 0, "\342\244\251"}, {3, 0, "\342\210\226"},
  {3, 0, "\342\210\226"}, {3, 0, "\342\234\266"}, {4, 0, "\360\235\224\260"}, {3, 0, "\342\214\242"}, {3, 0, "\342\231\257"}, {2, 0, "\321\211"},
  {2, 0, "\321\210"}, {3, 0, "\342\210\243"}, {3, 0, "\342\210\245"}, {2, 1, "\302\255"}, {2, 0, "\317\203"}, {2, 0, "\317\202"}, {2, 0, "\317\202"},
  {3, 0, "\342\210\274"}, {3, 0, "\342\251\252"}, {3, 0, "\342\211\203"}, {3, 0, "\342\211\203"}, {3, 0, "\342\252\236"}, {3, 0, "\342\252\240"},
  {3, 0, "\342\252\235"}, {3, 0, "\342\252\237"}, {3, 0, "\342\211\206"}, {3, 0, "\342\250\244"}, {3, 0, "\342\245\262"}, {3, 0, "\342\206\220"},
  {3, 0, "\342\210\226"}, {3, 0, "\342\250\263"}, {3, 0, "\342\247\244"}, {3, 0, "\342\210\243"}, {3, 0, "\342\214\243"}, {3, 0, "\342\252\252"},
  {3, 0, "\342\252\254"}, {6, 0, "\342\252\254\357\270\200"}, {2, 0, "\321\214"}, {1, 0, "/"}, {3, 0, "\342\247\204"}, {3, 0, "\342\214\277"},
  {4, 0, "\360\235\225\244"}, {3, 0, "\342\231\240"}, {3, 0, "\342\231\240"}, {3, 0, "\342\210\245"}, {3, 0, "\342\212\223"},
  {6, 0, "\342\212\223\357\270\200"}, {3, 0, "\342\212\224"}, {6, 0, "\342\212\224\357\270\200"}, {3, 0, "\342\212\217"}, {3, 0, "\342\212\221"},
  {3, 0, "\342\212\217"}, {3, 0, "\342\212\221"}, {3, 0, "\342\212\220"}, {3, 0, "\342\212\222"}, {3, 0, "\342\212\220"}, {3, 0, "\342\212\222"},
  {3, 0, "\342\226\241"}, {3, 0, "\342\226\241"}, {3, 0, "\342\226\252"}, {3, 0, "\342\226\252"}, {3, 0, "\342\206\222"}, {4, 0, "\360\235\223\210"},
  {3, 0, "\342\210\226"}, {3, 0, "\342\214\243"}, {3, 0, "\342\213\206"}, {3, 0, "\342\230\206"}, {3, 0, "\342\230\205"}, {2, 0, "\317\265"},
  {2, 0, "\317\225"}, {2, 0, "\302\257"}, {3, 0, "\342\212\202"}, {3, 0, "\342\253\205"}, {3, 0, "\342\252\275"}, {3, 0, "\342\212\206"},
  {3, 0, "\342\253\203"}, {3, 0, "\342\253\201"}, {3, 0, "\342\253\213"}, {3, 0, "\342\212\212"}, {3, 0, "\342\252\277"}, {3, 0, "\342\245\271"},
  {3, 0, "\342\212\202"}, {3, 0, "\342\212\206"}, {3, 0, "\342\253\205"}, {3, 0, "\342\212\212"}, {3, 0, "\342\253\213"}, {3, 0, "\342\253\207"},
  {3, 0, "\342\253\225"}, {3, 0, "\342\253\223"}, {3, 0, "\342\211\273"}, {3, 0, "\342\252\270"}, {3, 0, "\342\211\275"}, {3, 0, "\342\252\260"},
  {3, 0, "\342\252\272"}, {3, 0, "\342\252\266"}, {3, 0, "\342\213\251"}, {3, 0, "\342\211\277"}, {3, 0, "\342\210\221"}, {3, 0, "\342\231\252"},
  {3, 0, "\342\212\203"}, {2, 1, "\302\271"}, {2, 1, "\302\262"}, {2, 1, "\302\263"}, {3, 0, "\342\253\206"}, {3, 0, "\342\252\276"},
  {3, 0, "\342\253\230"}, {3, 0, "\342\212\207"}, {3, 0, "\342\253\204"}, {3, 0, "\342\237\211"}, {3, 0, "\342\253\227"}, {3, 0, "\342\245\273"},
  {3, 0, "\342\253\202"}, {3, 0, "\342\253\214"}, {3, 0, "\342\212\213"}, {3, 0, "\342\253\200"}, {3, 0, "\342\212\203"}, {3, 0, "\342\212\207"},
  {3, 0, "\342\253\206"}, {3, 0, "\342\212\213"}, {3, 0, "\342\253\214"}, {3, 0, "\342\253\210"}, {3, 0, "\342\253\224"}, {3, 0, "\342\253\226"},
  {3, 0, "\342\207\231"}, {3, 0, "\342\244\246"}, {3, 0, "\342\206\231"}, {3, 0, "\342\206\231"}, {3, 0, "\342\244\252"}, {2, 1, "\303\237"},
  {3, 0, "\342\214\226"}, {2, 0, "\317\204"}, {3, 0, "\342\216\264"}, {2, 0, "\305\245"}, {2, 0, "\305\243"}, {2, 0, "\321\202"},
  {3, 0, "\342\203\233"}, {3, 0, "\342\214\225"}, {4, 0, "\360\235\224\261"}, {3, 0, "\342\210\264"}, {3, 0, "\342\210\264"}, {2, 0, "\316\270"},
  {2, 0, "\317\221"}, {2, 0, "\317\221"}, {3, 0, "\342\211\210"}, {3, 0, "\342\210\274"}, {3, 0, "\342\200\211"}, {3, 0, "\342\211\210"},
  {3, 0, "\342\210\274"}, {2, 1, "\303\276"}, {2, 0, "\313\234"}, {2, 1, "\303\227"}, {3, 0, "\342\212\240"}, {3, 0, "\342\250\261"},
  {3, 0, "\342\250\260"}, {3, 0, "\342\210\255"}, {3, 0, "\342\244\250"}, {3, 0, "\342\212\244"}, {3, 0, "\342\214\266"}, {3, 0, "\342\253\261"},
  {4, 0, "\360\235\225\245"}, {3, 0, "\342\253\232"}, {3, 0, "\342\244\251"}, {3, 0, "\342\200\264"}, {3, 0, "\342\204\242"}, {3, 0, "\342\226\265"},
  {3, 0, "\342\226\277"}, {3, 0, "\342\227\203"}, {3, 0, "\342\212\264"}, {3, 0, "\342\211\234"}, {3, 0, "\342\226\271"}, {3, 0, "\342\212\265"},
  {3, 0, "\342\227\254"}, {3, 0, "\342\211\234"}, {3, 0, "\342\250\272"}, {3, 0, "\342\250\271"}, {3, 0, "\342\247\215"}, {3, 0, "\342\250\273"},
  {3, 0, "\342\217\242"}, {4, 0, "\360\235\223\211"}, {2, 0, "\321\206"}, {2, 0, "\321\233"}, {2, 0, "\305\247"}, {3, 0, "\342\211\254"},
  {3, 0, "\342\206\236"}, {3, 0, "\342\206\240"}, {3, 0, "\342\207\221"}, {3, 0, "\342\245\243"}, {2, 1, "\303\272"}, {3, 0, "\342\206\221"},
  {2, 0, "\321\236"}, {2, 0, "\305\255"}, {2, 1, "\303\273"}, {2, 0, "\321\203"}, {3, 0, "\342\207\205"}, {2, 0, "\305\261"}, {3, 0, "\342\245\256"},
  {3, 0, "\342\245\276"}, {4, 0, "\360\235\224\262"}, {2, 1, "\303\271"}, {3, 0, "\342\206\277"}, {3, 0, "\342\206\276"}, {3, 0, "\342\226\200"},
  {3, 0, "\342\214\234"}, {3, 0, "\342\214\234"}, {3, 0, "\342\214\217"}, {3, 0, "\342\227\270"}, {2, 0, "\305\253"}, {2, 1, "\302\250"},
  {2, 0, "\305\263"}, {4, 0, "\360\235\225\246"}, {3, 0, "\342\206\221"}, {3, 0, "\342\206\225"}, {3, 0, "\342\206\277"}, {3, 0, "\342\206\276"},
  {3, 0, "\342\212\216"}, {2, 0, "\317\205"}, {2, 0, "\317\222"}, {2, 0, "\317\205"}, {3, 0, "\342\207\210"}, {3, 0, "\342\214\235"},
  {3, 0, "\342\214\235"}, {3, 0, "\342\214\216"}, {2, 0, "\305\257"}, {3, 0, "\342\227\271"}, {4, 0, "\360\235\223\212"}, {3, 0, "\342\213\260"},
  {2, 0, "\305\251"}, {3, 0, "\342\226\265"}, {3, 0, "\342\226\264"}, {3, 0, "\342\207\210"}, {2, 1, "\303\274"}, {3, 0, "\342\246\247"},
  {3, 0, "\342\207\225"}, {3, 0, "\342\253\250"}, {3, 0, "\342\253\251"}, {3, 0, "\342\212\250"}, {3, 0, "\342\246\234"}, {2, 0, "\317\265"},
  {2, 0, "\317\260"}, {3, 0, "\342\210\205"}, {2, 0, "\317\225"}, {2, 0, "\317\226"}, {3, 0, "\342\210\235"}, {3, 0, "\342\206\225"},
  {2, 0, "\317\261"}, {2, 0, "\317\202"}, {6, 0, "\342\212\212\357\270\200"}, {6, 0, "\342\253\213\357\270\200"}, {6, 0, "\342\212\213\357\270\200"},
  {6, 0, "\342\253\214\357\270\200"}, {2, 0, "\317\221"}, {3, 0, "\342\212\262"}, {3, 0, "\342\212\263"}, {2, 0, "\320\262"}, {3, 0, "\342\212\242"},
  {3, 0, "\342\210\250"}, {3, 0, "\342\212\273"}, {3, 0, "\342\211\232"}, {3, 0, "\342\213\256"}, {1, 0, "|"}, {1, 0, "|"},
  {4, 0, "\360\235\224\263"}, {3, 0, "\342\212\262"}, {6, 0, "\342\212\202\342\203\222"}, {6, 0, "\342\212\203\342\203\222"},
  {4, 0, "\360\235\225\247"}, {3, 0, "\342\210\235"}, {3, 0, "\342\212\263"}, {4, 0, "\360\235\223\213"}, {6, 0, "\342\253\213\357\270\200"},
  {6, 0, "\342\212\212\357\270\200"}, {6, 0, "\342\253\214\357\270\200"}, {6, 0, "\342\212\213\357\270\200"}, {3, 0, "\342\246\232"},
  {2, 0, "\305\265"}, {3, 0, "\342\251\237"}, {3, 0, "\342\210\247"}, {3, 0, "\342\211\231"}, {3, 0, "\342\204\230"}, {4, 0, "\360\235\224\264"},
  {4, 0, "\360\235\225\250"}, {3, 0, "\342\204\230"}, {3, 0, "\342\211\200"}, {3, 0, "\342\211\200"}, {4, 0, "\360\235\223\214"},
  {3, 0, "\342\213\202"}, {3, 0, "\342\227\257"}, {3, 0, "\342\213\203"}, {3, 0, "\342\226\275"}, {4, 0, "\360\235\224\265"}, {3, 0, "\342\237\272"},
  {3, 0, "\342\237\267"}, {2, 0, "\316\276"}, {3, 0, "\342\237\270"}, {3, 0, "\342\237\265"}, {3, 0, "\342\237\274"}, {3, 0, "\342\213\273"},
  {3, 0, "\342\250\200"}, {4, 0, "\360\235\225\251"}, {3, 0, "\342\250\201"}, {3, 0, "\342\250\202"}, {3, 0, "\342\237\271"}, {3, 0, "\342\237\266"},
  {4, 0, "\360\235\223\215"}, {3, 0, "\342\250\206"}, {3, 0, "\342\250\204"}, {3, 0, "\342\226\263"}, {3, 0, "\342\213\201"}, {3, 0, "\342\213\200"},
  {2, 1, "\303\275"}, {2, 0, "\321\217"}, {2, 0, "\305\267"}, {2, 0, "\321\213"}, {2, 1, "\302\245"}, {4, 0, "\360\235\224\266"}, {2, 0, "\321\227"},
  {4, 0, "\360\235\225\252"}, {4, 0, "\360\235\223\216"}, {2, 0, "\321\216"}, {2, 1, "\303\277"}, {2, 0, "\305\272"}, {2, 0, "\305\276"},
  {2, 0, "\320\267"}, {2, 0, "\305\274"}, {3, 0, "\342\204\250"}, {2, 0, "\316\266"}, {4, 0, "\360\235\224\267"}, {2, 0, "\320\266"},
  {3, 0, "\342\207\235"}, {4, 0, "\360\235\225\253"}, {4, 0, "\360\235\223\217"}, {3, 0, "\342\200\215"}, {3, 0, "\342\200\214"},
};

static const uint16_t slots[SLOTS] = { /* index + 1 */
  0, 0, 0, 0, 1320, 0, 0, 1278, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 965, 0, 0, 0, 0, 0, 0, 0, 100, 747, 1562, 1600, 1838,
  1609, 1184, 1696, 1892, 1899, 2014, 834, 0, 0, 878, 0, 541, 0, 0, 0, 678, 640, 1297, 1803, 0, 0, 0, 1842, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1651, 0, 0, 0,
  898, 1598, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1315, 0, 1982, 0, 0, 0, 0, 0, 1491, 0, 0, 15, 1704, 0, 0, 0, 342, 0, 0, 0, 0, 0, 1338, 0, 0, 951, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 422, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 846, 0, 754, 0, 0, 743, 0, 889, 0, 0, 0, 0, 0, 163, 0, 0, 1944,
  0, 0, 0, 0, 0, 194, 0, 1474, 0, 0, 0, 1198, 1422, 0, 1257, 1665, 0, 0, 0, 1470, 1109, 1597, 2092, 0, 1299, 0, 0, 0, 0, 0, 0, 567, 1166, 1594, 0,
  453, 0, 0, 0, 0, 0, 0, 0, 0, 0, 522, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2023, 0, 720, 1397, 0, 0, 945, 0, 0, 2113, 0, 0, 2086, 0, 0, 828, 0, 1147,
  540, 0, 0, 0, 0, 0, 0, 1350, 1845, 0, 0, 0, 0, 0, 2044, 0, 240, 1825, 0, 0, 99, 0, 0, 0, 568, 0, 0, 0, 229, 0, 0, 0, 0, 0, 46, 0, 0, 0, 2055, 0,
  1831, 0, 0, 0, 0, 0, 727, 445, 0, 0, 104, 2104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1316, 0, 0, 0, 2011, 2125, 0, 0, 0, 96, 0, 0, 1387, 0,
  0, 0, 0, 0, 0, 753, 0, 1727, 0, 1947, 888, 0, 0, 0, 1975, 0, 0, 0, 0, 0, 0, 0, 162, 0, 346, 2123, 1793, 0, 0, 0, 593, 0, 0, 0, 1378, 0, 0, 0, 0, 0,
  0, 323, 1206, 0, 0, 0, 0, 0, 0, 464, 0, 414, 0, 1060, 0, 512, 0, 1170, 0, 0, 0, 0, 1006, 1455, 1361, 949, 1745, 0, 0, 0, 0, 0, 0, 794, 0, 0, 0, 0,
  0, 0, 1688, 0, 0, 0, 0, 0, 0, 1878, 0, 991, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1179, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 633, 0, 553, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 2072, 0, 1232, 0, 0, 0, 0, 1933, 0, 0, 0, 0, 0, 40, 968, 1763, 0, 0, 1106, 0, 0, 967, 0, 0, 0, 1976, 0, 0, 0, 0, 1304,
  1395, 0, 0, 1534, 971, 0, 0, 0, 0, 367, 0, 0, 0, 0, 0, 964, 322, 0, 0, 113, 0, 0, 0, 0, 0, 1506, 1258, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1056, 0, 0, 0, 0,
  0, 600, 0, 1003, 38, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 457, 0, 0, 0, 0, 1288, 0, 1037, 910, 1084, 682, 1471, 2025, 0, 0, 0, 955, 0, 191, 0, 1487, 0,
  0, 296, 1648, 0, 0, 1031, 0, 0, 0, 0, 0, 0, 0, 1547, 72, 0, 0, 0, 0, 798, 32, 1430, 0, 523, 1224, 0, 0, 0, 0, 0, 1215, 0, 0, 0, 0, 0, 47, 895, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 1862, 0, 606, 329, 0, 1296, 856, 1465, 0, 0, 0, 1269, 615, 1481, 0, 0, 1988, 0, 0, 0, 0, 0, 0, 381, 0, 1527, 0, 0, 0,
  1349, 601, 0, 3, 1920, 0, 0, 1463, 0, 0, 0, 1832, 0, 0, 0, 128, 0, 0, 1094, 0, 0, 0, 0, 1386, 0, 0, 0, 2105, 0, 0, 0, 0, 0, 1490, 0, 0, 1572, 0, 0,
  442, 0, 0, 1772, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 169, 0, 0, 0, 1900, 0, 0, 0, 0, 0, 0,
  1376, 0, 0, 1235, 0, 0, 0, 0, 0, 0, 0, 0, 0, 430, 0, 0, 0, 0, 0, 0, 0, 0, 1309, 0, 917, 0, 0, 0, 0, 0, 471, 0, 956, 0, 0, 0, 0, 1664, 0, 79, 1991,
  0, 0, 0, 0, 2095, 0, 0, 0, 1005, 0, 0, 0, 0, 0, 0, 155, 0, 0, 0, 428, 0, 0, 1073, 0, 0, 563, 0, 1958, 1203, 0, 0, 0, 1102, 0, 0, 0, 1952, 0, 1926,
  0, 0, 82, 0, 237, 0, 0, 0, 0, 0, 0, 0, 0, 1770, 0, 0, 0, 0, 1078, 0, 480, 0, 0, 0, 0, 0, 1448, 0, 0, 0, 18, 1357, 131, 1013, 1846, 252, 318, 335,
  1330, 0, 0, 0, 0, 0, 0, 259, 0, 0, 0, 0, 0, 33, 0, 0, 0, 1582, 0, 0, 0, 0, 1942, 0, 0, 0, 0, 0, 0, 519, 0, 0, 0, 0, 0, 0, 0, 0, 438, 1517, 0, 1551,
  1326, 1347, 0, 1438, 0, 1659, 913, 0, 0, 55, 1442, 0, 1145, 0, 1894, 76, 653, 0, 195, 0, 0, 2077, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1318, 0, 220, 326,
  1237, 0, 0, 0, 0, 0, 285, 1955, 0, 1321, 1428, 0, 0, 0, 0, 180, 0, 1153, 0, 0, 0, 542, 0, 0, 0, 0, 0, 0, 1108, 0, 0, 870, 1191, 0, 921, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 369, 591, 0, 0, 0, 0, 0, 973, 357, 0, 290, 0, 0, 1049, 0, 0, 0, 0, 0, 0, 0, 0, 0, 647, 1018, 1202, 1860, 0, 0, 0, 0, 0, 0, 1177,
  0, 0, 0, 0, 0, 0, 182, 0, 0, 0, 970, 0, 0, 824, 0, 1589, 0, 0, 0, 0, 855, 1792, 0, 0, 0, 0, 303, 0, 0, 1661, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 916,
  1385, 0, 0, 0, 83, 0, 0, 1310, 880, 0, 0, 0, 0, 0, 12, 0, 710, 0, 0, 0, 0, 0, 0, 0, 0, 969, 0, 0, 0, 0, 0, 0, 1599, 0, 378, 0, 0, 0, 0, 0, 0, 0, 0,
  1189, 1088, 1453, 1312, 1761, 0, 0, 1909, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 721, 0, 0, 0, 0, 0, 0, 321, 0, 0, 0, 0, 0, 0, 145, 0, 254, 0, 0, 0, 0, 0,
  0, 0, 0, 1935, 0, 1963, 0, 1922, 0, 355, 0, 0, 0, 0, 0, 0, 0, 0, 0, 419, 0, 0, 0, 0, 0, 1580, 0, 0, 0, 1092, 0, 1687, 0, 0, 0, 0, 0, 0, 1743, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1336, 0, 1895, 0, 0, 0, 0, 210, 0, 0, 0, 0, 1168, 328, 0, 0, 0, 561, 1043, 0, 0, 0,
  1158, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 552, 0, 0, 612, 0, 2046, 1694, 0, 590, 543, 1883, 0, 0, 0, 1226, 0, 1044, 0, 1292, 121, 147, 1593, 1744, 0,
  0, 0, 0, 0, 1032, 0, 627, 1959, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 202, 0, 0, 380, 1377, 1523, 1737, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1089, 1866, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 411, 0, 669, 0, 1245, 877, 0, 861, 333, 0, 0, 1796, 0, 0, 0, 0, 0, 1063, 262, 0, 0, 0, 0, 0, 0, 0, 0,
  1426, 0, 1844, 0, 1247, 0, 0, 0, 960, 1379, 0, 0, 0, 919, 1058, 1590, 0, 0, 0, 0, 314, 391, 0, 0, 0, 0, 0, 2101, 1871, 0, 545, 0, 0, 0, 1227, 1660,
  0, 0, 0, 0, 0, 1798, 0, 0, 136, 0, 0, 0, 0, 0, 0, 0, 0, 1643, 0, 0, 1681, 0, 0, 0, 94, 490, 178, 478, 1444, 0, 1875, 0, 0, 0, 1126, 1885, 0, 1685,
  1027, 1814, 0, 908, 0, 0, 0, 0, 1233, 1779, 0, 0, 0, 0, 0, 504, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1264, 0, 0, 0, 0, 1229, 2012, 0, 0, 0,
  0, 0, 0, 0, 825, 0, 1370, 1493, 0, 0, 0, 0, 0, 0, 506, 1234, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 319, 1262, 0, 1809, 1775, 0, 0, 0, 0, 623, 0, 0, 0,
  0, 0, 0, 1449, 0, 0, 0, 0, 0, 0, 0, 0, 1344, 1062, 134, 707, 2082, 0, 1663, 0, 435, 0, 778, 0, 1319, 0, 0, 0, 0, 0, 0, 0, 1516, 0, 359, 0, 0, 0, 0,
  0, 0, 4, 0, 0, 0, 1012, 0, 0, 0, 0, 431, 1712, 0, 0, 0, 873, 0, 0, 0, 0, 0, 489, 1095, 1478, 0, 0, 0, 0, 1159, 2098, 0, 0, 0, 1139, 539, 0, 0, 188,
  1868, 758, 1101, 0, 0, 139, 0, 0, 1388, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1879, 0, 0, 0, 833, 0, 0, 0, 416, 0, 0, 1098, 400, 0, 528, 2121, 1747, 0,
  1499, 0, 0, 0, 0, 1486, 0, 138, 80, 0, 1302, 0, 0, 1574, 336, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2027, 0, 0, 712, 0, 0, 1359, 0, 0, 0, 911,
  1542, 0, 0, 0, 0, 0, 1183, 0, 349, 0, 1156, 0, 0, 0, 0, 0, 0, 0, 760, 0, 0, 0, 295, 909, 0, 0, 0, 0, 0, 0, 0, 264, 1256, 0, 0, 0, 0, 0, 0, 614, 0,
  0, 0, 0, 0, 0, 709, 0, 0, 701, 454, 1280, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 269, 0, 368, 703, 0, 0, 0, 0, 0, 450, 0, 0, 0, 0, 0, 0, 1374, 0, 0, 0,
  0, 1236, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1038, 0, 441, 0, 0, 0, 0, 817, 0,
  876, 0, 0, 0, 0, 376, 0, 371, 862, 0, 0, 0, 0, 0, 948, 0, 0, 0, 1785, 0, 0, 0, 0, 1364, 0, 0, 0, 1897, 0, 0, 0, 0, 0, 513, 1141, 502, 0, 0, 0,
  2048, 1140, 0, 0, 942, 0, 0, 923, 1441, 0, 458, 2103, 1849, 1960, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 750, 0, 0, 0, 105, 0, 0, 0, 0, 0, 0, 0, 0, 1358, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 114, 0, 0, 0, 589, 1670, 0, 1906, 1759, 1259, 509, 0, 1151, 0, 0, 755, 782, 515, 0, 0, 0, 0, 1458, 0, 0, 1353, 0, 860, 0,
  0, 0, 1835, 0, 0, 838, 1755, 0, 0, 0, 0, 0, 900, 1381, 0, 0, 0, 0, 0, 0, 2018, 724, 1403, 1384, 0, 0, 0, 0, 0, 689, 0, 0, 0, 0, 0, 0, 0, 0, 0, 270,
  0, 1484, 1196, 0, 0, 0, 827, 1782, 144, 974, 0, 0, 0, 0, 0, 0, 0, 0, 0, 728, 2035, 1806, 1869, 0, 0, 0, 127, 1851, 71, 537, 1228, 2096, 2122, 0,
  403, 1375, 0, 248, 0, 0, 0, 684, 0, 0, 0, 0, 0, 0, 0, 0, 0, 859, 0, 408, 1138, 0, 0, 1790, 0, 0, 0, 1127, 0, 0, 0, 0, 0, 0, 874, 0, 0, 0, 0, 0, 0,
  87, 221, 1488, 0, 0, 0, 0, 0, 0, 0, 749, 0, 704, 0, 0, 0, 0, 0, 999, 1986, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 253, 1124, 1807, 1366, 2024, 0, 0, 0,
  0, 1107, 0, 0, 0, 0, 0, 0, 0, 0, 0, 844, 0, 0, 0, 0, 0, 0, 0, 28, 1990, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1144, 0, 5, 0, 1512, 0, 0, 0, 0, 0, 108, 0,
  723, 1079, 0, 309, 41, 1800, 61, 1896, 1910, 1913, 0, 0, 468, 1447, 0, 0, 0, 0, 1334, 0, 1267, 0, 0, 843, 0, 0, 0, 0, 0, 0, 0, 0, 0, 68, 912, 1380,
  0, 0, 0, 757, 0, 0, 0, 0, 0, 352, 30, 562, 0, 0, 1036, 0, 0, 0, 696, 1467, 1557, 1767, 849, 0, 0, 0, 0, 0, 613, 0, 0, 0, 0, 0, 0, 938, 0, 362, 67,
  997, 764, 1149, 1936, 840, 2030, 0, 0, 0, 0, 0, 0, 233, 1450, 0, 0, 0, 0, 0, 0, 0, 0, 1702, 0, 0, 168, 984, 1941, 0, 0, 0, 0, 0, 1143, 0, 0, 0,
  730, 0, 722, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1637, 0, 1029, 0, 0, 0, 897, 0, 0, 0, 0, 0, 173, 0, 0, 1303, 0, 0, 1345, 48, 0, 2003, 2043, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 1611, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 261, 1246, 0, 0, 0, 1783, 0, 247, 88, 0, 0, 0, 1192, 1142, 0, 1730, 2041, 0,
  1521, 0, 0, 0, 0, 0, 1918, 0, 0, 0, 0, 1351, 387, 0, 0, 348, 0, 1529, 0, 0, 1873, 0, 1099, 1260, 756, 1560, 0, 0, 0, 305, 1549, 0, 0, 0, 0, 0, 0,
  421, 0, 0, 0, 0, 659, 294, 1656, 1950, 1956, 680, 635, 198, 1541, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 170, 0, 1934, 0, 383, 0, 0, 0, 0, 0, 687, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 665, 1539, 409, 1797, 0, 0, 0, 807, 981, 0, 0, 1117, 0, 729, 1666, 770, 1176, 823, 1979, 0, 0, 0, 0, 0, 608, 0, 425, 0,
  0, 0, 0, 0, 218, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 532, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1608, 0, 0, 0, 1602, 0, 0, 0, 0, 1452, 0, 0, 0, 661, 0,
  2076, 410, 0, 0, 0, 1699, 0, 864, 1848, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1354, 2070, 0, 1904, 2111, 0, 1826, 0, 0, 0, 0, 209, 0, 0, 0, 0, 0, 0, 628, 0,
  0, 0, 0, 0, 0, 2016, 0, 0, 0, 0, 0, 0, 0, 1076, 246, 1261, 1528, 0, 0, 203, 179, 527, 192, 0, 0, 0, 1271, 1086, 0, 0, 0, 0, 0, 806, 0, 0, 0, 0, 0,
  0, 0, 27, 809, 150, 546, 2017, 2073, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1051, 0, 0, 0, 0, 0, 0, 2006, 0, 0, 0, 306, 0, 0, 0, 0, 0, 0, 0, 1676, 0, 0, 0,
  0, 0, 0, 0, 0, 837, 0, 0, 350, 958, 1028, 0, 0, 402, 0, 0, 596, 0, 0, 0, 1707, 0, 0, 1644, 0, 1511, 0, 1698, 0, 0, 0, 500, 0, 0, 1323, 0, 0, 0,
  141, 0, 0, 705, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1801, 0, 0, 0, 0, 0, 0, 0, 0, 0, 790, 930, 0, 935, 1857, 0, 0, 529, 1046, 1722, 0, 0, 0, 0,
  1526, 0, 0, 832, 0, 0, 0, 0, 0, 0, 0, 1308, 0, 1548, 0, 0, 0, 0, 224, 1827, 802, 0, 0, 0, 1828, 0, 0, 0, 0, 0, 0, 0, 0, 211, 1104, 0, 0, 1850, 0,
  1393, 0, 0, 0, 0, 0, 0, 1703, 1997, 664, 936, 283, 0, 0, 0, 0, 1876, 0, 0, 0, 1535, 0, 0, 0, 0, 1498, 1295, 470, 2081, 0, 0, 256, 0, 0, 642, 0,
  1591, 0, 0, 0, 0, 1916, 0, 0, 1725, 485, 491, 0, 392, 225, 1720, 0, 0, 0, 62, 1248, 1633, 0, 75, 830, 0, 0, 1368, 26, 0, 0, 0, 0, 0, 0, 611, 0,
  626, 1565, 1815, 0, 0, 1362, 0, 0, 1595, 0, 0, 0, 0, 389, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 54, 520, 0, 0, 835, 0, 0, 0, 0, 0, 0, 417, 0, 0,
  0, 1495, 0, 1431, 0, 842, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1584, 0, 0, 0, 0, 962, 0, 0, 320, 120, 0, 0, 786, 0, 1667, 963, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 2056, 1067, 0, 0, 0, 0, 1706, 0, 0, 0, 1525, 1927, 0, 0, 0, 0, 706, 0, 0, 0, 1401, 0, 0, 0, 448, 0, 0, 0, 154, 0, 0, 365, 0, 0, 934, 0, 0,
  1822, 345, 0, 0, 0, 0, 204, 0, 98, 0, 0, 0, 0, 0, 0, 0, 0, 0, 219, 0, 0, 507, 0, 0, 0, 0, 1371, 0, 0, 0, 0, 0, 0, 0, 0, 101, 0, 0, 0, 0, 0, 1721,
  0, 0, 0, 0, 0, 0, 0, 57, 0, 0, 1050, 0, 1537, 0, 0, 0, 1134, 0, 779, 0, 656, 0, 1284, 230, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1672, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 597, 0, 0, 1420, 0, 0, 0, 488, 308, 0, 0, 0, 0, 0, 0, 583, 1193, 0, 744, 0, 0, 0, 0, 0, 0, 0, 1948, 1684, 245, 2112, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 953, 0, 0, 0, 0, 0, 610, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 854, 598, 0, 2009, 0, 1524, 0, 0, 0, 0, 0,
  0, 469, 0, 0, 1774, 0, 1404, 0, 1686, 0, 0, 1082, 0, 0, 0, 871, 0, 0, 0, 0, 251, 768, 1530, 0, 0, 0, 0, 0, 312, 0, 698, 0, 0, 0, 0, 0, 0, 675, 0,
  1881, 1115, 0, 0, 0, 1757, 0, 0, 0, 0, 0, 0, 0, 0, 1887, 996, 1924, 50, 52, 1740, 998, 0, 0, 0, 0, 0, 0, 0, 0, 0, 223, 0, 0, 1174, 1355, 393, 0, 0,
  0, 0, 0, 0, 1440, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 572, 0, 0, 0, 0, 0, 157, 1281, 1421, 1586, 0, 0, 315, 0, 0, 420, 0, 0, 0, 1343, 0, 0,
  0, 0, 0, 0, 397, 795, 1811, 0, 0, 0, 0, 0, 66, 0, 0, 0, 1194, 0, 0, 0, 1173, 736, 746, 0, 0, 0, 1533, 0, 0, 1199, 0, 1128, 1552, 0, 0, 0, 93, 0, 0,
  0, 0, 683, 0, 0, 0, 0, 0, 0, 1244, 0, 0, 0, 0, 0, 711, 602, 0, 0, 0, 924, 0, 0, 0, 426, 0, 0, 0, 0, 0, 132, 0, 0, 159, 0, 0, 0, 339, 1286, 1617, 0,
  0, 1454, 2021, 0, 0, 356, 617, 0, 0, 0, 0, 0, 0, 0, 0, 0, 663, 0, 0, 0, 2008, 0, 0, 0, 0, 1152, 0, 2007, 0, 690, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 228,
  508, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 244, 0, 0, 0, 0, 0, 0, 0, 0, 0, 791, 0, 0, 0, 0, 0, 858, 1492, 0, 1462, 0, 0, 0, 0, 286,
  1818, 0, 0, 0, 831, 0, 0, 0, 881, 300, 2068, 1505, 1833, 1891, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 584, 0, 668, 0, 0, 0, 0, 0, 735, 0, 990, 1451,
  0, 0, 0, 0, 459, 0, 0, 0, 2087, 0, 0, 0, 0, 456, 0, 940, 0, 0, 0, 189, 0, 0, 0, 0, 0, 1509, 0, 959, 0, 0, 0, 0, 0, 1066, 0, 0, 0, 0, 0, 0, 1556,
  688, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2083, 0, 0, 0, 0, 0, 0, 0, 1475, 0, 1201, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 672, 0, 0, 0, 0, 0, 0, 0,
  526, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1863, 0, 1768, 0, 0, 0, 0, 0, 1577, 0, 0, 0, 0, 0, 0, 0, 0, 660, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 810, 0, 0, 0, 0,
  544, 446, 1888, 0, 0, 1283, 0, 0, 1132, 788, 0, 1841, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1071, 0, 1654, 0, 573, 0, 0, 0, 0, 0, 0, 0, 0, 0, 866,
  0, 338, 0, 0, 0, 0, 0, 0, 1751, 0, 0, 0, 0, 0, 0, 301, 0, 0, 885, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1482, 0, 0, 0, 0, 0, 255, 850, 2091, 0, 0, 0, 1477,
  1406, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1011, 0, 1915, 0, 0, 0, 574, 0, 0, 0, 0, 0, 0, 0, 776, 1080, 0, 0, 0, 0, 0, 51, 932, 0, 238, 0, 0, 0, 0, 0, 0,
  284, 0, 1314, 0, 0, 0, 0, 1536, 42, 206, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 943, 816, 0, 0, 0, 1231, 1621, 1765, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 1836, 0, 0, 1861, 0, 0, 0, 0, 0, 693, 0, 771, 0, 0, 465, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 869, 0, 0, 0, 0, 0, 1365, 2057,
  0, 0, 0, 0, 278, 0, 0, 0, 443, 0, 1776, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1424, 0, 0, 0, 0, 0, 0, 0, 0, 2108, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 373, 1311, 1972, 135, 0, 0, 899, 0, 0, 0, 0, 0, 0, 0, 185, 0, 0, 0, 0, 0, 0, 0, 0, 1253, 281, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  1274, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1766, 0, 0, 0, 0, 0, 1853, 0, 0, 0, 60, 1293, 0, 0, 1780, 331, 0, 0, 39, 0, 0, 133, 0, 1007, 0, 0,
  920, 1734, 0, 0, 0, 0, 20, 153, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0, 1945, 0, 165, 0, 0, 0, 0, 0, 297, 0, 1898, 0, 0, 0, 0, 2010, 0, 0, 0, 0, 0, 122, 0,
  0, 0, 0, 0, 1113, 0, 0, 2065, 0, 0, 0, 0, 0, 0, 212, 447, 2051, 0, 0, 0, 726, 1501, 0, 0, 0, 0, 0, 0, 0, 1307, 0, 0, 0, 0, 0, 1953, 1500, 0, 0, 0,
  0, 0, 555, 0, 0, 0, 634, 0, 242, 0, 646, 0, 1390, 2097, 1733, 2075, 0, 0, 731, 0, 0, 1576, 0, 19, 915, 0, 0, 226, 0, 671, 0, 0, 0, 1570, 0, 0, 0,
  0, 1578, 0, 0, 0, 0, 0, 0, 1131, 0, 0, 0, 0, 0, 0, 0, 0, 1777, 0, 1405, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1566, 0, 0, 0, 0, 0, 0, 588, 903,
  74, 95, 1540, 2115, 0, 0, 0, 0, 1858, 0, 0, 0, 0, 1212, 0, 0, 0, 492, 0, 0, 0, 0, 279, 0, 0, 569, 0, 0, 0, 250, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  769, 0, 0, 0, 0, 0, 0, 1995, 0, 0, 0, 0, 0, 0, 0, 0, 1047, 0, 0, 0, 0, 0, 0, 1186, 0, 0, 0, 0, 0, 0, 0, 0, 0, 432, 725, 896, 1429, 0, 0, 17, 0, 0,
  0, 0, 0, 1010, 0, 1592, 0, 0, 1496, 0, 0, 0, 0, 0, 893, 0, 0, 0, 0, 0, 0, 462, 0, 0, 0, 0, 0, 1673, 1217, 1683, 739, 1238, 0, 0, 0, 0, 0, 0, 0,
  358, 0, 0, 1121, 0, 0, 0, 0, 0, 0, 2089, 0, 0, 0, 0, 2002, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1823, 0, 0, 0, 0, 0, 0, 268,
  0, 460, 931, 0, 0, 0, 922, 0, 0, 0, 0, 0, 1795, 0, 1100, 0, 0, 0, 0, 2067, 0, 733, 1977, 0, 0, 0, 575, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 364, 0, 0, 0, 638, 0, 0, 0, 0, 0, 887, 694, 0, 0, 1559, 0, 0, 0, 1752, 0, 0, 0, 0, 0, 0, 1085, 0, 0, 0, 0, 0, 1705, 0, 0, 0, 0, 0, 1604, 0, 0,
  0, 0, 0, 0, 0, 227, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 803, 0, 1214, 0, 0, 0, 205, 0, 0, 0, 0, 0, 1839, 0, 69, 0, 0, 0, 0, 0, 0, 177, 0, 0, 0, 0, 0, 0,
  0, 822, 0, 2026, 1243, 0, 0, 0, 0, 0, 0, 0, 1824, 0, 0, 0, 0, 0, 1111, 0, 0, 0, 0, 0, 1016, 0, 0, 0, 0, 1443, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  1784, 1180, 1946, 0, 0, 0, 0, 207, 0, 288, 0, 0, 0, 0, 0, 0, 0, 0, 0, 670, 0, 0, 0, 0, 0, 0, 0, 1408, 0, 0, 732, 0, 0, 0, 0, 0, 0, 10, 0, 1859,
  536, 0, 0, 0, 0, 0, 1402, 0, 1483, 0, 0, 0, 0, 0, 0, 1886, 0, 1967, 829, 0, 0, 651, 474, 1773, 0, 0, 0, 0, 0, 804, 0, 0, 0, 1097, 713, 0, 0, 0, 0,
  0, 107, 0, 0, 0, 0, 1569, 0, 0, 1369, 0, 0, 0, 1249, 0, 1394, 496, 0, 0, 0, 344, 0, 0, 0, 1623, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 160, 954,
  1787, 0, 792, 1204, 0, 0, 0, 0, 0, 0, 1091, 1961, 0, 0, 0, 1222, 236, 0, 1693, 0, 0, 676, 1148, 0, 0, 463, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1360, 1416,
  1251, 0, 0, 0, 1306, 848, 0, 0, 1739, 558, 1680, 0, 0, 0, 1957, 119, 531, 0, 0, 0, 0, 0, 0, 1373, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 777, 0, 0, 0, 1433,
  0, 0, 1469, 1178, 0, 0, 1275, 0, 0, 1607, 0, 0, 975, 0, 0, 0, 0, 0, 820, 0, 0, 0, 0, 0, 137, 1325, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1161, 1004, 0, 0,
  0, 0, 0, 0, 1510, 577, 622, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 819, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1748, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1313, 0, 0, 0, 0, 0, 0, 0, 0, 0, 473, 578, 631, 814, 0, 0, 0, 0, 0, 1819, 0, 1185, 1564, 0,
  0, 0, 0, 0, 1555, 1059, 0, 0, 0, 423, 2118, 0, 0, 625, 0, 2049, 677, 1396, 0, 0, 0, 0, 0, 0, 0, 0, 0, 73, 1538, 0, 2080, 0, 0, 0, 0, 1830, 0, 0,
  1749, 0, 0, 1655, 0, 0, 1728, 0, 918, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 702, 0, 0, 193, 0, 978, 0, 2090, 0, 0, 1601, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 1024, 0, 0, 0, 0, 525, 1750, 0, 0, 0, 0, 0, 0, 0, 0, 199, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 609, 0, 1348,
  0, 0, 129, 0, 1558, 0, 0, 0, 0, 0, 0, 1200, 1514, 0, 0, 0, 1969, 0, 0, 0, 0, 0, 1713, 0, 773, 1352, 0, 1519, 0, 0, 0, 1432, 0, 0, 0, 0, 0, 0, 1563,
  1788, 0, 0, 436, 805, 0, 0, 0, 0, 0, 0, 149, 2107, 0, 0, 0, 0, 9, 0, 361, 0, 0, 0, 0, 0, 124, 0, 0, 1675, 0, 636, 0, 0, 0, 0, 645, 1981, 1856, 0,
  0, 0, 429, 0, 0, 0, 0, 1864, 0, 0, 1531, 1874, 0, 1867, 1753, 0, 0, 775, 0, 0, 143, 0, 1912, 0, 0, 0, 0, 0, 0, 0, 0, 0, 980, 0, 979, 0, 0, 0, 1188,
  0, 644, 152, 1446, 1631, 0, 1083, 0, 0, 0, 1456, 0, 0, 0, 0, 800, 629, 0, 0, 0, 811, 0, 0, 759, 0, 1701, 0, 0, 1119, 1190, 0, 0, 0, 0, 0, 1077, 0,
  0, 0, 0, 0, 0, 0, 0, 1925, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1771, 0, 1277, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 652, 0, 0, 0, 2005, 0,
  0, 1966, 0, 1172, 0, 0, 0, 1242, 0, 0, 0, 0, 0, 0, 0, 366, 0, 1123, 1553, 0, 0, 1265, 1843, 0, 0, 0, 0, 1561, 0, 1015, 406, 0, 0, 0, 0, 0, 0, 0,
  299, 0, 0, 0, 1650, 2052, 0, 0, 1937, 0, 0, 0, 607, 0, 0, 0, 0, 1324, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1114, 0, 0, 0, 0, 662, 0, 0, 0, 0, 0, 2032, 0,
  0, 1163, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 637, 0, 0, 0, 0, 0, 0, 307, 0, 0, 0, 0, 0, 0, 334, 1009, 0, 0, 0, 0, 0, 0, 0, 2088, 0, 621,
  0, 487, 0, 0, 0, 313, 0, 0, 0, 691, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1931, 1439, 0, 0, 0, 1625, 2034, 985, 0, 0, 0, 535, 0, 0, 0, 0, 0, 579, 0, 0,
  0, 658, 0, 0, 0, 667, 1518, 2020, 0, 0, 0, 0, 0, 0, 0, 0, 738, 1762, 1019, 14, 0, 0, 0, 0, 276, 0, 0, 2102, 0, 0, 280, 0, 0, 0, 0, 0, 0, 1635, 0,
  0, 0, 0, 0, 0, 0, 1532, 0, 0, 0, 0, 0, 0, 394, 1146, 0, 0, 0, 0, 0, 0, 0, 550, 0, 1568, 0, 0, 0, 0, 0, 0, 2064, 0, 616, 0, 1399, 1998, 1239, 0, 0,
  1021, 1854, 263, 0, 0, 1746, 0, 2079, 0, 0, 715, 2106, 0, 0, 0, 304, 418, 0, 0, 0, 0, 0, 0, 1273, 0, 0, 0, 0, 0, 0, 0, 1889, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 812, 0, 0, 2071, 0, 0, 0, 643, 0, 146, 0, 0, 907, 1629, 1718, 2110, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 929, 0, 0,
  1507, 0, 0, 0, 0, 1048, 0, 424, 0, 0, 0, 0, 1279, 1460, 0, 1136, 0, 0, 0, 0, 466, 1017, 0, 112, 0, 0, 0, 1813, 0, 0, 0, 0, 1689, 2004, 737, 0, 740,
  1872, 0, 0, 0, 0, 0, 0, 1717, 0, 0, 0, 0, 1268, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1169, 0, 123, 0, 0, 0, 0, 0, 0, 0, 821, 1023, 1908, 0, 0, 0, 0,
  1816, 0, 0, 1911, 1039, 0, 926, 0, 2047, 59, 2054, 273, 0, 0, 0, 0, 0, 1087, 0, 0, 0, 0, 0, 0, 0, 0, 1903, 0, 714, 0, 0, 1786, 0, 1682, 0, 0, 375,
  1372, 0, 0, 1337, 0, 0, 0, 0, 1135, 0, 1329, 1272, 0, 884, 1160, 1636, 0, 0, 0, 905, 1571, 1729, 0, 0, 0, 1719, 0, 0, 0, 1333, 0, 0, 679, 399,
  1974, 0, 0, 0, 0, 0, 0, 0, 63, 0, 1802, 0, 530, 0, 234, 0, 0, 0, 0, 686, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1978, 0, 379, 0, 0, 1742, 0, 1641,
  0, 2015, 0, 1055, 0, 116, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 847, 0, 1678, 0, 2074, 1427, 0, 648, 0, 0, 0, 0, 0, 0, 503, 0, 0, 0, 0, 0, 0, 0, 796, 0,
  271, 1075, 2039, 0, 1022, 0, 0, 0, 1070, 0, 1884, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1473, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1632, 2085, 0, 0, 0, 363, 0,
  1679, 0, 1620, 293, 1225, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 649, 692, 0, 1778, 1522, 0, 0, 1093, 0, 0,
  0, 0, 0, 1732, 0, 0, 1781, 412, 0, 0, 0, 0, 21, 0, 1579, 0, 0, 0, 0, 1322, 0, 0, 0, 0, 0, 0, 1914, 0, 0, 0, 1738, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1980,
  1230, 1513, 0, 0, 0, 166, 0, 0, 0, 0, 0, 0, 0, 0, 0, 784, 0, 0, 0, 0, 0, 0, 1250, 0, 484, 0, 0, 0, 0, 699, 0, 0, 0, 763, 1411, 0, 0, 449, 8, 988,
  1613, 2031, 0, 175, 1014, 0, 0, 0, 1657, 0, 0, 1764, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 894, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 815, 0, 0, 0,
  0, 0, 1053, 0, 0, 1646, 0, 0, 0, 0, 1125, 0, 0, 1025, 0, 0, 0, 0, 1567, 1674, 0, 0, 0, 0, 0, 452, 987, 1133, 0, 0, 0, 0, 1847, 0, 53, 581, 0, 1457,
  0, 0, 1758, 0, 0, 1760, 0, 1045, 0, 0, 0, 0, 0, 1984, 0, 217, 0, 0, 0, 0, 0, 0, 1162, 0, 0, 0, 0, 0, 0, 2060, 947, 0, 0, 0, 377, 0, 0, 102, 1624,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1938, 0, 0, 0, 0, 0, 1735, 0, 0, 0, 0, 0, 0, 45, 0, 1130, 1907, 2061, 0, 1195, 2019, 0, 0, 0, 1949, 799, 0,
  0, 216, 632, 0, 0, 0, 0, 0, 1502, 0, 0, 0, 1034, 370, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1154, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 388,
  1057, 2094, 0, 1638, 0, 0, 0, 0, 0, 1276, 0, 0, 0, 0, 0, 1020, 0, 0, 0, 310, 29, 0, 0, 89, 0, 11, 1052, 427, 0, 0, 0, 0, 0, 976, 0, 70, 0, 0, 547,
  1994, 340, 0, 0, 0, 58, 0, 0, 892, 0, 0, 0, 0, 1799, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 495, 0, 982, 952, 1026, 1407, 0, 0, 0, 0, 0, 0, 0, 151, 0, 0, 0,
  0, 1877, 0, 0, 0, 0, 0, 0, 511, 0, 0, 937, 0, 0, 0, 0, 0, 641, 0, 0, 0, 384, 0, 0, 0, 1794, 1081, 0, 0, 0, 1211, 0, 0, 0, 0, 0, 0, 1436, 0, 0,
  2028, 0, 989, 0, 1367, 0, 0, 0, 0, 0, 1769, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1669, 787, 1008, 0, 0, 0, 0, 0, 1596, 685, 477, 125, 0, 0, 0,
  0, 0, 0, 1603, 0, 0, 0, 0, 0, 343, 0, 0, 0, 1543, 0, 0, 0, 0, 0, 0, 0, 939, 0, 0, 2059, 836, 0, 0, 0, 0, 0, 0, 1266, 0, 0, 0, 0, 0, 0, 1709, 0, 0,
  232, 0, 0, 0, 863, 0, 0, 785, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 1219, 0, 140, 630, 1254, 1619, 444, 0, 1207, 1434, 0, 0, 1120, 0, 0, 0,
  0, 1400, 0, 0, 0, 0, 0, 0, 351, 0, 0, 0, 1791, 0, 718, 872, 0, 0, 0, 0, 0, 174, 0, 1985, 0, 1118, 582, 56, 0, 0, 2022, 0, 0, 0, 0, 0, 196, 1716, 0,
  0, 0, 1653, 1987, 0, 0, 287, 0, 0, 0, 0, 1445, 0, 0, 0, 277, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 197, 0, 0, 1155, 0, 1932, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 354, 1515, 1711, 0, 0, 0, 0, 0, 1223, 946, 0, 0, 0, 0, 0, 0, 2000, 167, 0, 0, 1964, 0, 0, 1697, 0, 0, 109, 0, 0, 0, 2124, 0, 0, 0, 0, 0,
  0, 994, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1808, 0, 0, 0, 0, 1363, 1468, 1164, 0, 0, 0, 0, 0, 0, 1917, 0, 774, 557, 0, 330, 0, 0, 0, 0, 0, 0, 0, 1627, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 1065, 0, 865, 0, 0, 0, 0, 0, 0, 1642, 0, 0, 624, 1731, 0, 0, 0, 0, 0, 0, 762, 0, 0, 0, 554, 0, 0, 0, 0, 0, 0, 0, 0, 49,
  43, 0, 266, 0, 0, 0, 1340, 1968, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 813, 0, 0, 0, 0, 0, 161, 708, 0, 0, 0, 0,
  0, 0, 1901, 0, 0, 0, 0, 0, 0, 0, 0, 1105, 2037, 0, 1520, 1855, 0, 0, 0, 0, 639, 0, 0, 1282, 0, 0, 324, 1255, 1954, 2053, 0, 274, 0, 249, 1423, 0,
  0, 0, 0, 77, 0, 0, 741, 0, 0, 0, 86, 0, 0, 1583, 0, 0, 0, 0, 0, 0, 0, 891, 2001, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1928, 0, 0, 0, 1820, 0, 0, 0, 0, 0, 0,
  0, 1252, 0, 0, 0, 0, 0, 0, 0, 467, 91, 666, 1069, 1634, 0, 1880, 0, 0, 0, 0, 0, 0, 0, 0, 549, 751, 0, 0, 0, 0, 1943, 1175, 0, 325, 0, 0, 118, 0, 0,
  1342, 1150, 0, 0, 0, 0, 0, 1919, 0, 0, 0, 0, 1989, 0, 0, 1647, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1398, 548, 1983, 780, 1339, 2100, 826, 2084,
  0, 0, 2114, 0, 0, 0, 1476, 0, 0, 1240, 0, 0, 0, 808, 0, 0, 0, 1209, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1789, 0, 0, 0, 0, 1171, 0, 0,
  1112, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 332, 0, 0, 0, 0, 0, 0, 461, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 1220, 0, 0, 0, 0, 0, 0, 0, 0, 839, 0, 0, 0, 0,
  0, 0, 0, 0, 1668, 2069, 0, 1882, 1187, 1382, 298, 0, 0, 0, 0, 0, 0, 1409, 0, 0, 0, 517, 1285, 1573, 1829, 0, 374, 0, 0, 1741, 0, 0, 0, 0, 0, 0, 0,
  592, 1652, 0, 1356, 0, 1301, 1970, 0, 0, 0, 0, 0, 341, 0, 0, 767, 841, 0, 0, 0, 0, 0, 142, 316, 385, 1902, 0, 995, 977, 1327, 337, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 472, 1129, 0, 0, 0, 1817, 0, 0, 0, 0, 0, 0, 0, 0, 1708, 0, 0, 0, 0, 0, 533, 0, 0, 1208, 0, 0, 0, 0, 1489, 0, 1575, 1690, 0, 1464, 0, 0,
  0, 0, 0, 0, 0, 1940, 0, 0, 2013, 37, 413, 2099, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 97, 0, 1929, 171, 1461, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  868, 0, 0, 0, 0, 0, 904, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2120, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1116, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 514, 0, 81, 0, 551, 0, 0, 0, 1626, 2078, 0, 1503, 570, 201, 1585, 0, 0, 0, 0, 0, 0, 0, 0, 0, 156, 0, 0, 0, 0, 0, 0, 0,
  65, 0, 0, 0, 0, 1671, 890, 0, 734, 0, 914, 0, 0, 78, 2109, 0, 0, 0, 1545, 0, 0, 0, 0, 0, 0, 2066, 2063, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 390,
  1865, 0, 0, 928, 0, 0, 1965, 0, 1417, 0, 0, 1605, 0, 407, 0, 0, 0, 0, 0, 0, 0, 0, 0, 966, 115, 0, 0, 0, 2033, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  44, 1588, 386, 0, 275, 801, 0, 0, 0, 0, 0, 1890, 1103, 0, 0, 0, 0, 0, 0, 437, 0, 0, 0, 0, 0, 0, 1723, 0, 0, 0, 0, 0, 0, 941, 0, 0, 0, 0, 13, 1930,
  0, 0, 0, 0, 1289, 0, 0, 0, 0, 1328, 0, 92, 0, 0, 0, 0, 0, 0, 0, 479, 0, 2038, 0, 0, 883, 291, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1383, 0, 0, 158, 0,
  580, 0, 1331, 0, 481, 0, 0, 0, 0, 0, 0, 0, 0, 0, 695, 1616, 200, 845, 498, 1335, 0, 0, 0, 148, 901, 0, 16, 0, 0, 311, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 187, 0, 0, 0, 0, 1610, 0, 0, 0, 0, 317, 0, 292, 0, 0, 0, 0, 510, 0, 0, 0, 0, 1993, 0, 0, 0, 0, 0, 2050, 0, 0, 0, 772, 0, 0, 0, 0, 0, 674, 1804,
  0, 130, 1263, 1615, 0, 1612, 0, 0, 0, 789, 0, 0, 618, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1068, 1618, 1054, 983, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 1413, 1290, 1692, 0, 110, 766, 0, 0, 0, 0, 0, 0, 524, 1479, 0, 0, 0, 272, 0, 0, 0, 0, 0, 0, 0, 1332, 0, 0, 972, 0, 0, 0, 0,
  222, 717, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1216, 1921, 0, 0, 0, 0, 0, 241, 1756, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 700, 1973, 106, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 781, 0, 605, 1435, 851, 0, 867, 0, 0, 0, 0, 0, 0, 486, 0, 208, 0, 0, 1992, 1270, 0, 0, 1544,
  0, 925, 34, 0, 0, 902, 0, 0, 0, 0, 0, 1640, 0, 395, 0, 0, 0, 282, 1466, 0, 0, 0, 117, 0, 742, 0, 0, 0, 0, 0, 0, 0, 401, 0, 0, 0, 0, 1040, 0, 372,
  0, 961, 0, 0, 0, 0, 0, 0, 0, 0, 595, 0, 0, 0, 1181, 1691, 1710, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1554, 650, 0, 0, 0, 0, 0, 0, 0, 1805, 0, 0,
  564, 0, 405, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 716, 1415, 0, 719, 0, 0, 0, 0, 0, 0, 1508, 0, 0, 0, 0, 0, 0, 0, 440, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 560, 0, 0, 0, 497, 0, 0, 0, 0, 0, 186, 0, 0, 0, 0, 0, 0, 0, 0, 0, 347, 0, 0, 0, 0, 302, 0, 475, 0, 0, 84, 534, 7, 2058, 0, 1971, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1459, 0, 1645, 0, 1218, 927, 289, 31, 22, 0, 0, 0, 0, 0, 1410, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  852, 1300, 0, 0, 797, 0, 0, 585, 1346, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1497, 181, 0, 0, 0, 0, 518, 1840, 0, 0, 0, 944, 697, 0, 0, 0, 0,
  521, 482, 1837, 0, 483, 993, 0, 1606, 0, 0, 35, 0, 0, 1754, 0, 0, 0, 85, 0, 0, 0, 1658, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1700,
  0, 906, 0, 0, 0, 214, 0, 1064, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 190, 0, 0, 0, 0, 0, 0, 2116, 1736, 0, 0, 0, 0, 0, 0, 0, 501, 0, 0, 0, 0, 0, 176,
  2040, 933, 0, 0, 0, 0, 1677, 1035, 0, 857, 0, 0, 0, 0, 0, 571, 1870, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1042, 0, 0, 0, 0, 604, 215, 1494, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 257, 0, 0, 0, 0, 0, 0, 0, 0, 1996, 0, 0, 493, 559, 0, 360, 1480, 1695, 476, 0, 0, 1210, 0,
  0, 0, 0, 0, 654, 761, 0, 0, 0, 0, 0, 1122, 0, 183, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1485, 0, 103, 0, 0, 0, 0, 0, 0, 0, 1649, 0,
  0, 0, 1221, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 538, 0, 0, 1622, 0, 0, 0, 0, 0, 0,
  1715, 0, 0, 0, 0, 0, 0, 1074, 434, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1821, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 886, 0, 1472, 0, 243, 260, 1182, 0, 0, 0,
  1137, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 603, 0, 620, 0, 0, 1630, 1628, 327, 0, 0, 0, 2093, 0, 0, 451, 0, 398, 1581, 0, 0, 0, 0, 0, 0, 1287, 1425, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 586, 1587, 0, 0, 0, 0, 0, 0, 0, 599, 0, 853, 0, 0, 0, 594, 0, 992, 0, 0, 0, 0, 0, 0, 0, 950, 0, 0, 0,
  0, 0, 0, 0, 657, 0, 0, 793, 0, 1951, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1341, 0, 0, 0, 1298, 0, 0, 0, 0, 0, 499, 0, 1213, 0, 0, 0, 439, 1030,
  382, 396, 587, 1241, 0, 0, 0, 0, 1639, 1096, 1726, 0, 0, 0, 0, 0, 0, 0, 433, 1001, 1939, 0, 0, 0, 0, 0, 0, 0, 0, 1550, 0, 0, 0, 126, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 1294, 0, 0, 0, 1834, 0, 0, 1061, 1662, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1893, 0, 0, 0, 0, 0, 1291, 258, 0, 1033, 0, 213,
  0, 0, 0, 1165, 0, 0, 745, 765, 0, 494, 1205, 0, 0, 0, 505, 184, 239, 0, 0, 0, 0, 0, 0, 556, 2117, 0, 566, 1197, 0, 0, 0, 1999, 0, 0, 0, 0, 0, 0, 0,
  1724, 2042, 0, 1419, 1391, 0, 0, 111, 0, 415, 0, 0, 231, 655, 681, 0, 0, 0, 565, 1090, 0, 0, 0, 0, 0, 0, 0, 1412, 0, 0, 0, 0, 879, 0, 0, 404, 748,
  0, 0, 0, 0, 1418, 0, 619, 0, 516, 0, 0, 0, 0, 783, 0, 0, 957, 1317, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1905, 0, 164, 1504, 2119, 0, 818, 875, 1, 752, 0,
  0, 267, 455, 0, 265, 1305, 1614, 0, 1923, 0, 1852, 0, 0, 0, 0, 986, 2036, 0, 673, 0, 1157, 1389, 0, 0, 0, 0, 1714, 0, 2045, 64, 0, 0, 0, 0, 0,
  1041, 0, 0, 1110, 0, 1392, 0, 0, 0, 0, 1414, 0, 0, 0, 0, 0, 0, 353, 0, 0, 0, 0, 0, 0, 1962, 172, 0, 0, 0, 0, 0, 1002, 0, 1546, 0, 0, 0, 0, 0, 0, 0,
  882, 0, 2062, 0, 0, 1810, 0, 2029, 0, 1437, 576, 1167, 1812, 0, 1072, 0, 0, 0, 0, 0, 235, 0, 0, 0,
};

static unsigned hash_of(const char *name, size_t n) {
  uint64_t first = 0, last;
  for (size_t i = 0; i < n && i < 8; i++) first |= (uint64_t)(unsigned char)name[i] << 8 * i;
  if (n < 8) last = first;
  else
    for (size_t i = last = 0; i < 8; i++) last |= (uint64_t)(unsigned char)name[n - 8 + i] << 8 * i;
  return (unsigned)(((first ^ (last << 21 | last >> 43)) + n) * UINT64_C(0x9E3779B97F4A7C15) >> 51);
}

static unsigned find(const char *name, size_t n) { /* index + 1 */
  for (unsigned h = hash_of(name, n); slots[h]; h = (h + 1) % SLOTS) {
    unsigned i = slots[h] - 1u, at = name_at[i];
    if (name_at[i + 1] - at == n && memcmp(names + at, name, n) == 0) return i + 1;
  }
  return 0;
}

static bool alphanumeric(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

size_t html_entity_find(const char *s, size_t n, struct slice *text) {
  size_t run = 0;
  while (run < n && run <= NAME_LONGEST && alphanumeric(s[run])) run++;
  if (run < 2) return 0;
  if (run < n && s[run] == ';') {
    unsigned i = find(s, run);
    if (i) {
      *text = (struct slice){values[i - 1].text, values[i - 1].len};
      return run + 1;
    }
  }
  for (size_t k = run < LEGACY_LONGEST ? run : LEGACY_LONGEST; k >= 2; k--) {
    unsigned i = find(s, k);
    if (i && values[i - 1].legacy) {
      *text = (struct slice){values[i - 1].text, values[i - 1].len};
      return k;
    }
  }
  return 0;
}
