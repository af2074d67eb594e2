"""The members of what is sent to GP, in the order that its description declares them, base class first (facts.md 2.7).

XML of GP's serializer has to keep that order; what stands in no table here stays where GP put it.
"""

from __future__ import annotations

from collections.abc import Mapping

_DOCUMENT = """
    Extensions Key Type Date FreightAmount MiscellaneousAmount TaxAmount TradeDiscount DiscountAmount CustomerName
    CustomerPONumber UPSZone MasterNumber Reference CommissionAmount ExchangeRate ExchangeDate RequestedShipDate Comment
    TaxExemptNumber1 TaxExemptNumber2 TaxRegistrationNumber FreightTaxBasis MiscellaneousTaxBasis FreightTaxAmount
    MiscellaneousTaxAmount Note TransactionState TaxScheduleKey FreightTaxScheduleKey MiscellaneousTaxScheduleKey
    LineTotalAmount TotalAmount CreatedBy CreatedDate ModifiedDate LastModifiedDate CommissionBasedOn
    CommissionSaleAmount ActualShipDate FulfillDate QuoteDate AuditTrailCode IsIntrastatDocument IsVoided
    ShipCompleteOnly FrontOfficeIntegrationId IntegrationSource IntegrationId InvoiceDate BackorderDate ReturnDate
    OriginalSalesDocumentKey OriginalSalesDocumentType DocumentTypeKey ShippingMethodKey WarehouseKey CustomerKey
    SalesTerritoryKey SalespersonKey BatchKey BillToAddressKey ShipToAddressKey PaymentTermsKey CurrencyKey CommentKey
    PriceLevelKey ShipToAddress UserDefined Commissions ProcessHolds Taxes FreightTaxes MiscellaneousTaxes
    TrackingNumbers
"""
_REPEATING = "IsRepeating DocumentFrequency TimesToRepeat DaysToIncrement WorkflowPriority"
_LINE = """
    Extensions Key UnitPrice TotalAmount Quantity Discount UnitCost ItemDescription IsNonInventory IsDropShip
    RequestedShipDate Comment UofM DeleteOnUpdate ExtendedCost ItemTaxScheduleKey TaxBasis TaxAmount TaxScheduleKey
    CostOfSalesGLAccountKey DamagedGLAccountKey InServiceGLAccountKey InUseGLAccountKey InventoryGLAccountKey
    DiscountGLAccountKey ReturnsGLAccountKey SalesGLAccountKey FrontOfficeIntegrationId IntegrationSource IntegrationId
    WarehouseKey ItemKey ShippingMethodKey SalesTerritoryKey SalespersonKey CommentKey PriceLevelKey ShipToAddressKey
    ShipToAddress Taxes
"""
_BUSINESS_ADDRESS = """
    Extensions Line1 Line2 Line3 City State PostalCode CountryRegion Phone1 Phone2 Phone3 Fax CountryRegionCodeKey Name
    ContactPerson
"""
_CONSTITUENT_ADDRESS = f"""
    {_BUSINESS_ADDRESS} UPSZone ShippingMethodKey TaxScheduleKey CreatedDate ModifiedDate LastModifiedDate UserDefined1
    UserDefined2 InternetAddresses Key
"""

#: Type -> its members.
ORDER: Mapping[str, tuple[str, ...]] = {
    name: tuple(table.split())
    for name, table in {
        "SalesOrder": f"{_DOCUMENT} PaymentAmount DepositAmount ShippingProcessStatus {_REPEATING} Lines Payments"
        " Workflows",
        "SalesQuote": f"{_DOCUMENT} ExpirationDate {_REPEATING} IsProspect Lines Workflows",
        "SalesOrderLine": f"{_LINE} QuantityToBackorder QuantityToInvoice QuantityCanceled QuantityFulfilled"
        " QuantityAllocated FulfillDate ActualShipDate Components Serials Lots Bins",
        "SalesQuoteLine": f"{_LINE} QuantityCanceled QuantityToInvoice QuantityToOrder Components",
        "BusinessAddress": _BUSINESS_ADDRESS,
        "PhoneNumber": "Value CountryCode Extension",
        "SalesUserDefined": "Date01 Date02 List01 List02 List03 Text01 Text02 Text03 Text04 Text05",
        "Customer": """
            Extensions Key IsOnHold IsActive ShipCompleteOnly Name Shortname StatementName ClassKey Priority
            DefaultAddressKey ShipToAddressKey BillToAddressKey StatementToAddressKey Comment1 Comment2
            TradeDiscountPercent PaymentTermsKey DiscountGracePeriod DueDateGracePeriod PriceLevelKey Notes BalanceType
            FinanceCharge MinimumPayment CreditLimit MaximumWriteoff AllowRevaluation PostResultsTo
            OrderFullfillmentShortageDefault IncludeInDemandPlanning PaymentCardAccount BankName BankBranch
            UserLanguageKey TaxExemptNumbers TaxRegistrationNumber CurrencyKey RateTypeKey StatementCycle
            HistoryOptions SendEmailStatements BankAccountKey DefaultCashAccountType CashGLAccountKey
            AccountsReceivableGLAccountKey SalesGLAccountKey CostOfGoodsSoldGLAccountKey InventoryGLAccountKey
            PaymentTermsDiscountTakenGLAccountKey PaymentTermsDiscountAvailableGLAccountKey FinanceChargesGLAccountKey
            WriteoffGLAccountKey SalesOrderReturnsGLAccountKey OverpaymentWriteoffGLAccountKey StatementRecipients
            CreatedDate ModifiedDate LastModifiedDate CorporateAccountKey UserDefined1 UserDefined2 Addresses
        """,
        "Vendor": """
            Extensions Key Name ShortName CheckName IsOnHold IsActive IsOneTime ClassKey DefaultAddressKey
            PurchaseAddressKey RemitToAddressKey ShipFromAddressKey VendorAccountNumber Comment1 Comment2 Notes
            CurrencyKey RateTypeKey PaymentTermsKey DiscountGracePeriod DueDateGracePeriod PaymentPriority
            MinimumOrderAmount TradeDiscountPercent TaxSchedule TaxIdentificationNumber TaxRegistrationNumber
            BankAccountKey UserDefined1 UserDefined2 Tax1099Type Tax1099BoxNumber FreeOnBoard UserLanguageKey
            MinimumPayment MaximumInvoice CreditLimit MaximumWriteoff AllowRevaluation PostResultsTo HistoryOptions
            DefaultCashAccountType CashGLAccountKey AccountsPayableGLAccountKey TermsDiscountAvailableGLAccountKey
            TermsDiscountTakenGLAccountKey FinanceChargesGLAccountKey PurchasesGLAccountKey TradeDiscountGLAccountKey
            MiscellaneousGLAccountKey FreightGLAccountKey TaxGLAccountKey WriteoffGLAccountKey
            AccruedPurchasesGLAccountKey PurchasePriceVarianceGLAccountKey CreatedDate ModifiedDate
            ProjectAccountingOptions Addresses WorkflowPriority Workflows Language UpdateIfExists
        """,
        "CustomerAddress": f"{_CONSTITUENT_ADDRESS} SalespersonKey SalesTerritoryKey WarehouseKey DeleteOnUpdate",
        "VendorAddress": f"{_CONSTITUENT_ADDRESS} DeleteOnUpdate",
        "InternetAddresses": """
            MessengerAddress EmailToAddress EmailCcAddress EmailBccAddress InternetField1 InternetField2 InternetField3
            InternetField4 InternetField5 InternetField6 InternetField7 InternetField8 AdditionalInformation
        """,
    }.items()
}  # fmt: skip
